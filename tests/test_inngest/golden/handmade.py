"""Apps that behave like those recorded without an SDK, each async and sync from one body.

``APPS`` has all apps, including those that were recorded with an SDK.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Generator
from typing import Any

from tests.test_inngest.bodies import Body, handler_of

import inngest
from inngest import Cancel, Concurrency, Function, Inngest, TriggerCron
from inngest.experimental.ai import anthropic, openai

from .apps import APPS, Build, Functions, on
from .differences import step_id

KINDS = ("async", "sync")


class App:
    """Declares the functions of one app, either all sync or all async."""

    def __init__(self, client: Inngest, kind: str) -> None:
        self.is_async = kind == "async"
        self.functions: list[Function[Any]] = []
        self._client = client

    def add(self, fn_id: str, trigger: Any, body: Body, **options: Any) -> Function[Any]:
        """Declare a function."""
        options.setdefault("retries", 0)
        made = self._client.create_function(
            fn_id=fn_id, trigger=on(trigger) if isinstance(trigger, str) else trigger, **options
        )(self.handler(body))
        self.functions.append(made)
        return made

    def handler(self, body: Body) -> Callable[[Any], Any]:
        """Turn a body into a handler of this app's kind."""
        return handler_of(body, is_async=self.is_async)

    def work(self, value: object) -> Callable[[], Any]:
        """Make a step handler that returns ``value``, or raises it if it is an error."""

        def run_sync() -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        async def run_async() -> Any:
            return run_sync()

        return run_async if self.is_async else run_sync


def recorded(*names: str) -> Callable[[Callable[[App], None]], Callable[[App], None]]:
    """Register an app, in both kinds, for these recordings."""

    def remember(declare: Callable[[App], None]) -> Callable[[App], None]:
        for kind in KINDS:
            for name in names:
                APPS.setdefault(name, []).append(_build(declare, kind))
        return declare

    return remember


def _build(declare: Callable[[App], None], kind: str) -> Build:
    def build(client: Inngest) -> Functions:
        app = App(client, kind)
        declare(app)
        return app.functions

    build.__name__ = f"{declare.__name__}_{kind}"
    return build


def seconds(count: int) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)


def echo(ctx: Any) -> Generator[Any, Any, Any]:
    """Return the event's data."""
    yield from ()
    return {"ok": ctx.event.data}


def ok(ctx: Any) -> Generator[Any, Any, Any]:
    yield from ()
    return {"ok": 1}


def napping(count: int) -> Body:
    """Sleep, then return the event's data."""

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.sleep("n", seconds(count))
        return {"ok": ctx.event.data}

    return body


@recorded("ai_infer")
def ai_infer(app: App) -> None:
    adapter = openai.Adapter(
        auth_key="sk-test", base_url="http://127.0.0.1:34199/v1", model="gpt-x"
    )

    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        messages = [{"role": "user", "content": "hello"}]
        return (yield ctx.step.ai.infer("ask", adapter=adapter, body={"messages": messages}))

    app.add("fn", "ai/go", fn)


@recorded("streaming_201")
def streaming_201(app: App) -> None:
    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        return (yield ctx.step.run("a", app.work("slow")))

    def fatal(ctx: Any) -> Generator[Any, Any, Any]:
        yield from ()
        raise inngest.NonRetriableError("fatal streamed")

    app.add("fn", "str/go", fn)
    app.add("fn-nr", "strnr/go", fatal, retries=3)


@recorded("ai_infer_failure")
def ai_infer_failure(app: App) -> None:
    adapter = anthropic.Adapter(
        auth_key="sk-ant", base_url="http://127.0.0.1:42293/v1", model="claude-x"
    )

    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        body = {"max_tokens": 5, "messages": []}
        try:
            yield ctx.step.ai.infer("ask", adapter=adapter, body=body)
        except inngest.StepError as error:
            seen = {"name": error.name, "message": error.message, "stack": error.stack}
            return {step_id("ask"): {"error": seen}}

    app.add("fn", "aif/go", fn)


class Dialect:
    """An AI adapter of the user's."""

    def __init__(self, name: str) -> None:
        self._name = name

    def auth_key(self) -> str:
        return "KEY"

    def format(self) -> str:
        return self._name

    def headers(self) -> dict[str, str]:
        return {}

    def on_call(self, body: dict[str, Any]) -> None:
        body["m"] = self._name

    def url_infer(self) -> str:
        return "http://127.0.0.1:40717/p?x=1"


@recorded("ai_infer_formats")
def ai_infer_formats(app: App) -> None:
    names = ["openai-chat", "anthropic", "gemini", "bedrock", "openai-responses", "", "grok"]

    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        answers = {}
        for name in names:
            step = f"ask{name}"
            data = yield ctx.step.ai.infer(step, adapter=Dialect(name), body={})
            answers[step_id(step)] = {"data": data}
        return answers

    app.add("fn", "aiff/go", fn)


@recorded("parallel_versions_and_mixed_ops")
def parallel_versions_and_mixed_ops(app: App) -> None:
    def both(ctx: Any) -> Generator[Any, Any, Any]:
        values = yield ctx.group.parallel(
            (
                lambda: ctx.step.run("a", app.work("a")),
                lambda: ctx.step.run("b", app.work("b")),
            )
        )
        steps = zip(("a", "b"), values, strict=True)
        return {"steps": {step_id(name): {"data": value} for name, value in steps}}

    def mixed(ctx: Any) -> Generator[Any, Any, Any]:
        a, b, slept, found = yield ctx.group.parallel(
            (
                lambda: ctx.step.run("a", app.work("a")),
                lambda: ctx.step.run("b", app.work("b")),
                lambda: ctx.step.sleep("n", seconds(1)),
                lambda: ctx.step.wait_for_event("w", event="zz/none", timeout=seconds(2)),
            )
        )
        steps = {"a": {"data": a}, "b": {"data": b}, "n": slept, "w": found}
        return {"steps": {step_id(name): value for name, value in steps.items()}}

    app.add("v1", "tv/v1", both)
    app.add("v2", "tv/v2", both)
    app.add("mixed", "tv/mixed", mixed)


@recorded("event_future_ts")
def event_future_ts(app: App) -> None:
    app.add("fn", "fts/go", echo)


@recorded("cron_jitter")
def cron_jitter(app: App) -> None:
    app.add("fn", TriggerCron(cron="* * * * *", jitter="20s"), echo)


@recorded("wait_for_event_matching")
def wait_for_event_matching(app: App) -> None:
    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        asked = ctx.event.data
        found = yield ctx.step.wait_for_event(
            "w",
            event=asked["ev"],
            if_exp=asked.get("if"),
            timeout=seconds(int(asked.get("timeout", "6s").removesuffix("s"))),
        )
        return None if found is None else found.model_dump(exclude={"v"})

    app.add("fn", "wm/go", fn)


@recorded("cancel_parent_of_invoke")
def cancel_parent_of_invoke(app: App) -> None:
    def child_body(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.sleep("n", seconds(4))
        return "child done"

    def parent_body(ctx: Any) -> Generator[Any, Any, Any]:
        return (yield ctx.step.invoke("i", function=child))

    stop = Cancel(event="cp/stop", if_exp="event.data.id == async.data.id")
    late = Cancel(event="cp/late", timeout=seconds(1))
    app.add("parent", "cp/go", parent_body, cancel=[stop, late])
    child = app.add("child", "cp/never", child_body, cancel=[Cancel(event="cp/stopchild")])


MyErr: Any = type("MyErr", (inngest.NonRetriableError,), {})
StepErr: Any = type("StepErr", (Exception,), {})
E: Any = type("E", (Exception,), {})


@recorded("internal_events")
def internal_events(app: App) -> None:
    def fail(ctx: Any) -> Generator[Any, Any, Any]:
        yield from ()
        raise MyErr("broken")

    def failstep(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.run("a", app.work(StepErr("step broken")))

    def child_body(ctx: Any) -> Generator[Any, Any, Any]:
        yield from ()
        return {"seen": ctx.event.model_dump()}

    def parent(ctx: Any) -> Generator[Any, Any, Any]:
        data = {"from": "parent"}
        output = yield ctx.step.invoke("i", function=child, data=data, v="2")
        return {step_id("i"): {"data": output}}

    app.add("ok", "ie/ok", ok)
    app.add("fail", "ie/fail", fail)
    app.add("failstep", "ie/failstep", failstep)
    app.add("weird", "ie/weird", ok)
    app.add("cancelme", "ie/cancelme", napping(3600), cancel=[Cancel(event="ie/stop")])
    app.add("parent", "ie/parent", parent)
    child = app.add("child", "ie/never", child_body)
    app.add("batch", "ie/batch", ok, batch_events=inngest.Batch(max_size=2, timeout=seconds(5)))
    of_others = (
        "event.data.function_id.startsWith('rec-internal-events') && "
        "!event.data.function_id.endsWith('-obs')"
    )
    ends = ("finished", "failed", "cancelled")
    app.add("obs", [on(f"inngest/function.{end}", of_others) for end in ends], ok)


@recorded("limits_and_attempts")
def limits_and_attempts(app: App) -> None:
    raised: list[str] = []

    def seq(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.run("a", app.work(E("1") if ctx.attempt == 0 else 1))
        if not raised:
            raised.append("fn")
            raise inngest.RetryAfterError("fn", 1000)
        yield ctx.step.run("b", app.work(2))
        return "end"

    def long(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.sleep("n", datetime.timedelta(days=367))

    app.add("seq", "la/seq", seq, retries=2)
    app.add("cap", "la/cap", ok, retries=25)
    app.add("def", "la/def", ok, retries=None)
    app.add("long", "la/long", long)
    app.add("bigstep", "la/bigstep", ok)
    app.add("many", "la/many", ok)


@recorded("flow_batch_key_if")
def flow_batch_key_if(app: App) -> None:
    of_key = inngest.Batch(max_size=3, timeout=seconds(3), key="event.data.k")
    if_batch = inngest.Batch(max_size=3, timeout=seconds(3), if_exp="event.data.batch == true")
    app.add("key", "fbk/key", echo, batch_events=of_key)
    app.add("if", "fbk/if", echo, batch_events=if_batch)


@recorded("flow_debounce")
def flow_debounce(app: App) -> None:
    of_key = inngest.Debounce(period=seconds(2), key="event.data.k")
    app.add("deb", "fdb/go", echo, debounce=of_key)
    at_most = inngest.Debounce(period=seconds(3), timeout=seconds(5))
    app.add("max", "fdb/max", echo, debounce=at_most)


@recorded("flow_rate_limit")
def flow_rate_limit(app: App) -> None:
    limit = inngest.RateLimit(limit=2, period=seconds(5), key="event.data.k")
    app.add("rl", "frl/go", echo, rate_limit=limit)
    app.add("idem", "frl/idem", echo, idempotency="event.data.id")
    app.add("plain", "frl/plain", echo)


@recorded("flow_singleton")
def flow_singleton(app: App) -> None:
    skip = inngest.Singleton(mode="skip", key="event.data.k")
    app.add("skip", "fs/skip", napping(3), singleton=skip)
    app.add("cancel", "fs/cancel", napping(3), singleton=inngest.Singleton(mode="cancel"))


@recorded("flow_throttle_concurrency")
def flow_throttle_concurrency(app: App) -> None:
    once, of_key = [Concurrency(limit=1)], [Concurrency(limit=1, key="event.data.k")]
    throttle = inngest.Throttle(limit=1, period=seconds(3))
    app.add("thr", "ftc/thr", echo, throttle=throttle)
    burst = inngest.Throttle(limit=1, period=seconds(3), burst=2)
    app.add("burst", "ftc/burst", echo, throttle=burst)
    app.add("conc", "ftc/conc", echo, concurrency=once)
    app.add("conck", "ftc/conck", echo, concurrency=of_key)
    app.add("stepc", "ftc/stepc", napping(2), concurrency=once)
    priority = inngest.Priority(run="event.data.p")
    app.add("prioconc", "ftc/prio", echo, concurrency=once, priority=priority)
    app.add("runconc", "ftc/runconc", echo)


@recorded("flow_timeouts")
def flow_timeouts(app: App) -> None:
    app.add("finish", "fto/finish", napping(20), timeouts=inngest.Timeouts(finish=seconds(3)))
    app.add(
        "hogstart",
        "fto/start",
        echo,
        concurrency=[Concurrency(limit=1)],
        timeouts=inngest.Timeouts(start=seconds(2)),
    )
    app.add("sdkfin", "fto/sdkfin", echo, timeouts=inngest.Timeouts(finish=seconds(2)))
    of_ours = "event.data.function_id.startsWith('rec-flow-timeouts')"
    app.add("obs", on("inngest/function.cancelled", of_ours), echo)


def memos_of(work: Callable[[Any], Any]) -> Body:
    """Run one step, and return the memos that a call then contains."""

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        try:
            memo: object = {"data": (yield work(ctx))}
        except inngest.StepError as error:
            seen = {"name": error.name, "message": error.message, "stack": error.stack}
            memo = {"error": seen}
        return {step_id("a"): memo}

    return body


def second_time(value: object, error: Exception | None = None) -> Body:
    """Fail in the first attempt if ``error`` is given; then return ``value``."""

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        yield from ()
        if error is not None and ctx.attempt == 0:
            raise error
        return value

    return body


@recorded("executor_edge_responses")
def executor_edge_responses(app: App) -> None:
    def gives(value: object) -> Body:
        return memos_of(lambda ctx: ctx.step.run("a", app.work(value)))

    def later(ctx: Any) -> Generator[Any, Any, Any]:
        error = inngest.RetryAfterError("m", seconds(2))
        return (yield ctx.step.run("a", app.work(error if ctx.attempt == 0 else 1)))

    def sleeping(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.sleep("a", 1500)
        return {step_id("a"): None}

    def too_long(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.sleep("a", datetime.timedelta(weeks=104))

    def bad_expression(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.wait_for_event(
            "a", event="zz", if_exp="event.data. ==", timeout=seconds(3600)
        )

    after_two = inngest.RetryAfterError("m", seconds(2))
    bodies: dict[str, Body] = {
        "aigw-alias": gives(5),
        "conn-reset": second_time("after reset"),
        "empty-body-206": second_time("after-empty-body"),
        "legacy-step": gives("wrapped"),
        "missing-data": gives(None),
        "no-sdk-200": second_time("x"),
        "no-sdk-206": second_time({}),
        "null-data": gives(None),
        "s400-no-header": second_time("retried after 400", E("400 without no-retry header")),
        "s400-noretry": second_time(None, inngest.NonRetriableError("400 no retry")),
        "s500-after2": second_time("ok", after_two),
        "s500-http-date": second_time("ok", after_two),
        "single-obj": gives({"x": 1}),
        "sleep-2y": too_long,
        "sleep-opts": sleeping,
        "step-noretry": gives(inngest.NonRetriableError("m")),
        "step-retry-after": later,
        "unknown-op": second_time("recovered"),
        "wait-badexpr": bad_expression,
    }
    for name in EDGES:
        app.add(name, f"edge/{name}", bodies.get(name, ok), retries=1)


EDGES = [
    "unknown-op",
    "aigw-alias",
    "single-obj",
    "empty-206",
    "empty-body-206",
    "no-sdk-200",
    "no-sdk-206",
    "no-sdk-500",
    "s400-no-header",
    "s400-noretry",
    "s200-noretry",
    "s500-after2",
    "s500-http-date",
    "step-retry-after",
    "step-noretry",
    "step-error-noerr",
    "null-data",
    "missing-data",
    "legacy-step",
    "two-stepruns",
    "run-complete",
    "steps-and-complete",
    "discovery",
    "invoke-nopayload",
    "sleep-opts",
    "sleep-bad",
    "sleep-2y",
    "wait-badexpr",
    "wait-notimeout",
    "string-body",
    "err-nested",
    "err-string",
    "conn-reset",
    "gzip",
]
"""What the recorded app does, one function each; ours does what an SDK can."""


__all__ = ["APPS"]
