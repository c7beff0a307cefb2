"""The recorded apps, written as existing apps would be: async, and also sync."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import inngest
from inngest import Context, ContextSync, Function, Inngest, TriggerCron, TriggerEvent

Functions = list[Function[Any]]
Build = Callable[[Inngest], Functions]

APPS: dict[str, list[Build]] = {}
"""By recording: each app that must behave as recorded."""


def recorded(*names: str) -> Callable[[Build], Build]:
    def remember(build: Build) -> Build:
        for name in names:
            APPS.setdefault(name, []).append(build)
        return build

    return remember


def on(event: str, expression: str | None = None) -> TriggerEvent:
    return TriggerEvent(event=event, expression=expression)


def event_of(client: Inngest) -> str:
    """Return the trigger for recordings whose event is named after the recording."""
    return client.app_id.removeprefix("rec-").replace("-", "_") + "/go"


@recorded("no_steps_success")
def no_steps_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("nosteps/go"))
    async def fn(ctx: Context) -> object:
        return {"hello": "world", "n": 1.5, "none": None}

    return [fn]


@recorded("no_steps_success")
def no_steps_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("nosteps/go"))
    def fn(ctx: ContextSync) -> object:
        return {"hello": "world", "n": 1.5, "none": None}

    return [fn]


@recorded("two_steps_serial")
def two_steps_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("two/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def a() -> str:
            return "A"

        async def b() -> dict[str, list[int]]:
            return {"b": [1, 2]}

        return [await ctx.step.run("a", a), await ctx.step.run("b", b)]

    return [fn]


@recorded("two_steps_serial")
def two_steps_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("two/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        return [ctx.step.run("a", lambda: "A"), ctx.step.run("b", lambda: {"b": [1, 2]})]

    return [fn]


@recorded("repeated_step_ids")
def repeated_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("rep/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def x(i: int) -> int:
            return i

        return [await ctx.step.run("x", x, i) for i in range(3)]

    return [fn]


@recorded("repeated_step_ids")
def repeated_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("rep/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        return [ctx.step.run("x", lambda i: i, i) for i in range(3)]

    return [fn]


@recorded("sleep")
def sleep_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sleep/go"))
    async def fn(ctx: Context) -> int:
        await ctx.step.sleep("nap", datetime.timedelta(seconds=2))

        async def after() -> int:
            return 1

        return await ctx.step.run("after", after)

    return [fn]


@recorded("sleep")
def sleep_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sleep/go"))
    def fn(ctx: ContextSync) -> int:
        ctx.step.sleep("nap", 2000)
        return ctx.step.run("after", lambda: 1)

    return [fn]


CHILDREN = [
    inngest.Event(name="snd/child", data={"a": 1}),
    inngest.Event(name="snd/child", data={"a": 2}, id="my-id-2"),
]


@recorded("send_event_inside_step")
def send_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("snd/go"), retries=0)
    async def fn(ctx: Context) -> list[str]:
        return await ctx.step.send_event("emit", CHILDREN)

    return [fn]


@recorded("send_event_inside_step")
def send_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("snd/go"), retries=0)
    def fn(ctx: ContextSync) -> list[str]:
        return ctx.step.send_event("emit", CHILDREN)

    return [fn]


@recorded("use_api")
def use_api_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("api/go"), retries=0)
    async def fn(ctx: Context) -> int:
        async def bulk(size: int) -> str:
            return "x" * size

        async def total(first: str, second: str) -> int:
            return len(first) + len(second)

        a = await ctx.step.run("a", bulk, 2_097_152)
        b = await ctx.step.run("b", bulk, 2_297_152)
        return await ctx.step.run("c", total, a, b)

    return [fn]


@recorded("use_api")
def use_api_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("api/go"), retries=0)
    def fn(ctx: ContextSync) -> int:
        a = ctx.step.run("a", lambda: "x" * 2_097_152)
        b = ctx.step.run("b", lambda: "x" * 2_297_152)
        return ctx.step.run("c", lambda: len(a) + len(b))

    return [fn]


@recorded("sdk_error_answers")
def answers_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sea/go"), retries=0)
    async def fn(ctx: Context) -> int:
        async def a(n: int = 1) -> int:
            return n

        return await ctx.step.run("a", a)

    @client.create_function(fn_id="badout", trigger=on("sea/bad"), retries=0)
    async def badout(ctx: Context) -> object:
        return object()

    @client.create_function(fn_id="nested", trigger=on("sea/nested"), retries=0)
    async def nested(ctx: Context) -> int:
        async def b() -> int:
            return 1

        async def a() -> int:
            return await ctx.step.run("b", b)

        return await ctx.step.run("a", a)

    return [fn, badout, nested]


@recorded("sdk_error_answers")
def answers_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sea/go"), retries=0)
    def fn(ctx: ContextSync) -> int:
        def a(n: int = 1) -> int:
            return n

        return ctx.step.run("a", a)

    @client.create_function(fn_id="badout", trigger=on("sea/bad"), retries=0)
    def badout(ctx: ContextSync) -> object:
        return object()

    @client.create_function(fn_id="nested", trigger=on("sea/nested"), retries=0)
    def nested(ctx: ContextSync) -> int:
        return ctx.step.run("a", lambda: ctx.step.run("b", lambda: 1))

    return [fn, badout, nested]


async def step_boom() -> str:
    raise ValueError("step boom")


def step_boom_sync() -> str:
    raise ValueError("step boom")


@recorded("step_error_retries_exhausted")
def exhausted_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sterr/go"), retries=1)
    async def fn(ctx: Context) -> str:
        return await ctx.step.run("bad", step_boom)

    return [fn]


@recorded("step_error_retries_exhausted")
def exhausted_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("sterr/go"), retries=1)
    def fn(ctx: ContextSync) -> str:
        return ctx.step.run("bad", step_boom_sync)

    return [fn]


@recorded("step_error_caught")
def caught_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("stc/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def fallback() -> str:
            return "fallback"

        try:
            return await ctx.step.run("bad", step_boom)
        except inngest.StepError as error:
            return [error.message, await ctx.step.run("fb", fallback)]

    return [fn]


@recorded("step_error_caught")
def caught_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("stc/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        try:
            return ctx.step.run("bad", step_boom_sync)
        except inngest.StepError as error:
            return [error.message, ctx.step.run("fb", lambda: "fallback")]

    return [fn]


@recorded("function_error_retry_success")
def not_yet_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("fnerr/go"), retries=3)
    async def fn(ctx: Context) -> object:
        if ctx.attempt == 0:
            raise RuntimeError("not yet")
        return {"attempt": ctx.attempt}

    return [fn]


@recorded("function_error_retry_success")
def not_yet_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("fnerr/go"), retries=3)
    def fn(ctx: ContextSync) -> object:
        if ctx.attempt == 0:
            raise RuntimeError("not yet")
        return {"attempt": ctx.attempt}

    return [fn]


@recorded("non_retriable")
def non_retriable_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("nr/go"), retries=3)
    async def fn(ctx: Context) -> None:
        raise inngest.NonRetriableError("fatal")

    @client.create_function(fn_id="fn-step", trigger=on("nrs/go"), retries=3)
    async def fn_step(ctx: Context) -> None:
        async def bad() -> None:
            raise inngest.NonRetriableError("fatal in step")

        await ctx.step.run("bad", bad)

    return [fn, fn_step]


@recorded("non_retriable")
def non_retriable_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("nr/go"), retries=3)
    def fn(ctx: ContextSync) -> None:
        raise inngest.NonRetriableError("fatal")

    @client.create_function(fn_id="fn-step", trigger=on("nrs/go"), retries=3)
    def fn_step(ctx: ContextSync) -> None:
        def bad() -> None:
            raise inngest.NonRetriableError("fatal in step")

        ctx.step.run("bad", bad)

    return [fn, fn_step]


@recorded("retry_after")
def retry_after_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("ra/go"), retries=3)
    async def fn(ctx: Context) -> object:
        if ctx.attempt == 0:
            raise inngest.RetryAfterError("later", datetime.timedelta(seconds=3))
        return {"attempt": ctx.attempt}

    return [fn]


@recorded("retry_after")
def retry_after_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("ra/go"), retries=3)
    def fn(ctx: ContextSync) -> object:
        if ctx.attempt == 0:
            raise inngest.RetryAfterError("later", 3000)
        return {"attempt": ctx.attempt}

    return [fn]


@recorded("on_failure")
def on_failure_async(client: Inngest) -> Functions:
    async def handle(ctx: Context) -> object:
        error: Any = ctx.event.data["error"]
        return {"handled": error["message"]}

    @client.create_function(fn_id="fn", trigger=on("onf/go"), retries=0, on_failure=handle)
    async def fn(ctx: Context) -> None:
        raise ValueError("boom for handler")

    return [fn]


@recorded("on_failure")
def on_failure_sync(client: Inngest) -> Functions:
    def handle(ctx: ContextSync) -> object:
        error: Any = ctx.event.data["error"]
        return {"handled": error["message"]}

    @client.create_function(fn_id="fn", trigger=on("onf/go"), retries=0, on_failure=handle)
    def fn(ctx: ContextSync) -> None:
        raise ValueError("boom for handler")

    return [fn]


BATCH = inngest.Batch(max_size=3, timeout=datetime.timedelta(seconds=3))


@recorded("batch")
def batch_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("bat/go"), retries=0, batch_events=BATCH)
    async def fn(ctx: Context) -> object:
        return {"n": len(ctx.events)}

    return [fn]


@recorded("batch")
def batch_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("bat/go"), retries=0, batch_events=BATCH)
    def fn(ctx: ContextSync) -> object:
        return {"n": len(ctx.events)}

    return [fn]


@recorded("parallel_steps")
def parallel_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("par/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def upper(letter: str) -> str:
            return letter.upper()

        both = await ctx.group.parallel(
            (
                lambda: ctx.step.run("a", upper, "a"),
                lambda: ctx.step.run("b", upper, "b"),
            )
        )
        return [*both, await ctx.step.run("c", upper, "c")]

    return [fn]


@recorded("parallel_steps")
def parallel_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("par/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        both = ctx.group.parallel(
            (
                lambda: ctx.step.run("a", lambda: "A"),
                lambda: ctx.step.run("b", lambda: "B"),
            )
        )
        return [*both, ctx.step.run("c", lambda: "C")]

    return [fn]


@recorded("parallel_mode_race")
def race_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("race/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def upper(letter: str) -> str:
            return letter.upper()

        async def branch(name: str) -> str:
            await ctx.step.run(name, upper, name)
            return await ctx.step.run(f"{name}2", upper, f"{name}2")

        return await ctx.group.parallel(
            (lambda: branch("a"), lambda: branch("b")),
            parallel_mode=inngest.ParallelMode.RACE,
        )

    return [fn]


@recorded("parallel_mode_race")
def race_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("race/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        def branch(name: str) -> str:
            ctx.step.run(name, name.upper)
            return ctx.step.run(f"{name}2", f"{name}2".upper)

        return ctx.group.parallel(
            (lambda: branch("a"), lambda: branch("b")),
            parallel_mode=inngest.ParallelMode.RACE,
        )

    return [fn]


@recorded("wait_for_event_fulfilled")
def wait_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("wait/go"))
    async def fn(ctx: Context) -> object:
        found = await ctx.step.wait_for_event(
            "w",
            event="wait/done",
            if_exp="event.data.id == async.data.id",
            timeout=datetime.timedelta(seconds=30),
        )
        assert found is not None
        assert (found.id, found.ts, found.user) == ("custom-evt-id", 1795393240968, {"u": 1})
        return found.data

    return [fn]


@recorded("wait_for_event_fulfilled")
def wait_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("wait/go"))
    def fn(ctx: ContextSync) -> object:
        found = ctx.step.wait_for_event(
            "w", event="wait/done", if_exp="event.data.id == async.data.id", timeout=30_000
        )
        return None if found is None else found.data

    return [fn]


@recorded("wait_for_event_timeout")
def wait_timeout_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("waitto/go"))
    async def fn(ctx: Context) -> object:
        found = await ctx.step.wait_for_event(
            "w", event="waitto/done", timeout=datetime.timedelta(seconds=2)
        )
        return None if found is None else found.data

    return [fn]


@recorded("wait_for_event_timeout")
def wait_timeout_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("waitto/go"))
    def fn(ctx: ContextSync) -> object:
        return ctx.step.wait_for_event("w", event="waitto/done", timeout=2000)

    return [fn]


@recorded("invoke_ok")
def invoke_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchild/never"))
    async def child(ctx: Context) -> dict[str, object]:
        return {"got": ctx.event.data["q"], "name": ctx.event.name}

    @client.create_function(fn_id="parent", trigger=on("inv/go"))
    async def parent(ctx: Context) -> object:
        return await ctx.step.invoke("call", function=child, data={"q": 42})

    return [child, parent]


@recorded("invoke_ok")
def invoke_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchild/never"))
    def child(ctx: ContextSync) -> dict[str, object]:
        return {"got": ctx.event.data["q"], "name": ctx.event.name}

    @client.create_function(fn_id="parent", trigger=on("inv/go"))
    def parent(ctx: ContextSync) -> object:
        return ctx.step.invoke("call", function=child, data={"q": 42})

    return [child, parent]


@recorded("invoke_failing")
def invoke_failing_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchildf/never"), retries=0)
    async def child(ctx: Context) -> None:
        raise ValueError("child boom")

    @client.create_function(fn_id="parent", trigger=on("invf/go"), retries=0)
    async def parent(ctx: Context) -> None:
        await ctx.step.invoke("call", function=child, data={"q": 42})

    return [child, parent]


@recorded("invoke_failing")
def invoke_failing_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchildf/never"), retries=0)
    def child(ctx: ContextSync) -> None:
        raise ValueError("child boom")

    @client.create_function(fn_id="parent", trigger=on("invf/go"), retries=0)
    def parent(ctx: ContextSync) -> None:
        ctx.step.invoke("call", function=child, data={"q": 42})

    return [child, parent]


@recorded("invoke_not_found")
def invoke_not_found_async(client: Inngest) -> Functions:
    stranger = Inngest(app_id="nope", is_production=False)

    @stranger.create_function(fn_id="nope", trigger=on("nope/never"))
    async def unserved(ctx: Context) -> str:
        return "never called"

    @client.create_function(fn_id="parent", trigger=on("invnf/go"), retries=0)
    async def parent(ctx: Context) -> object:
        try:
            return await ctx.step.invoke("call", function=unserved, data={"q": 1})
        except inngest.StepError as error:
            return {"caught": error.message, "name": error.name}

    return [parent]


@recorded("invoke_timeout")
def invoke_timeout_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchildt/never"), retries=0)
    async def child(ctx: Context) -> str:
        await ctx.step.sleep("long", datetime.timedelta(seconds=6))
        return "late"

    @client.create_function(fn_id="parent", trigger=on("invt/go"), retries=0)
    async def parent(ctx: Context) -> object:
        try:
            return await ctx.step.invoke(
                "call", function=child, data={"q": 42}, timeout=datetime.timedelta(seconds=2)
            )
        except inngest.StepError as error:
            return {"caught": error.message, "name": error.name}

    return [child, parent]


@recorded("invoke_timeout")
def invoke_timeout_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="child", trigger=on("invchildt/never"), retries=0)
    def child(ctx: ContextSync) -> str:
        ctx.step.sleep("long", 6000)
        return "late"

    @client.create_function(fn_id="parent", trigger=on("invt/go"), retries=0)
    def parent(ctx: ContextSync) -> object:
        try:
            return ctx.step.invoke("call", function=child, data={"q": 42}, timeout=2000)
        except inngest.StepError as error:
            return {"caught": error.message, "name": error.name}

    return [child, parent]


FIRST_A = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"


@recorded("rerun_with_step_input")
def rerun_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("rr/go"), retries=0)
    async def fn(ctx: Context) -> object:
        async def a(word: str) -> object:
            return {"used": [word]}

        return {FIRST_A: {"data": await ctx.step.run("a", a, "orig")}}

    return [fn]


@recorded("rerun_with_step_input")
def rerun_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on("rr/go"), retries=0)
    def fn(ctx: ContextSync) -> object:
        return {FIRST_A: {"data": ctx.step.run("a", lambda word: {"used": [word]}, "orig")}}

    return [fn]


@recorded("cancel_on_event")
def cancel_async(client: Inngest) -> Functions:
    of_fn = "event.data.function_id == 'rec-cancel-on-event-fn'"

    @client.create_function(
        fn_id="fn",
        trigger=on("can/go"),
        retries=0,
        cancel=[inngest.Cancel(event="can/stop", if_exp="event.data.id == async.data.id")],
    )
    async def fn(ctx: Context) -> None:
        await ctx.step.sleep("long", datetime.timedelta(seconds=60))

    @client.create_function(fn_id="listener", trigger=on("inngest/function.cancelled", of_fn))
    async def listener(ctx: Context) -> str:
        return "ok"

    @client.create_function(fn_id="listener2", trigger=on("inngest/function.finished", of_fn))
    async def listener2(ctx: Context) -> str:
        return "ok"

    return [fn, listener, listener2]


@recorded("cron_trigger")
def cron_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=TriggerCron(cron="* * * * *"), retries=0)
    async def fn(ctx: Context) -> object:
        return {"name": ctx.event.name}

    return [fn]


@recorded("sync_out_of_band")
def options_async(client: Inngest) -> Functions:
    key = "event.data.u"

    @client.create_function(
        fn_id="fn",
        name="My Fn",
        trigger=on("oob/go"),
        retries=2,
        cancel=[inngest.Cancel(event="oob/stop", timeout=datetime.timedelta(hours=1))],
        concurrency=[inngest.Concurrency(key=key, limit=2, scope="fn")],
        debounce=inngest.Debounce(
            key=key, period=datetime.timedelta(seconds=5), timeout=datetime.timedelta(minutes=1)
        ),
        priority=inngest.Priority(run="event.data.p"),
        rate_limit=inngest.RateLimit(key=key, limit=5, period=datetime.timedelta(minutes=1)),
        singleton=inngest.Singleton(key=key, mode="skip"),
        throttle=inngest.Throttle(key=key, limit=1, period=datetime.timedelta(seconds=10), burst=2),
        timeouts=inngest.Timeouts(
            start=datetime.timedelta(minutes=5), finish=datetime.timedelta(hours=1)
        ),
    )
    async def fn(ctx: Context) -> None: ...

    @client.create_function(
        fn_id="fn2",
        trigger=[on("oob/a", "event.data.x > 1"), TriggerCron(cron="0 0 1 1 *", jitter="30s")],
        idempotency="event.data.id",
    )
    async def fn2(ctx: Context) -> None: ...

    return [fn, fn2]


@recorded("sync_in_band_signed", "introspection_unsigned", "introspection_signed", "trust_probe")
def plain_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on(event_of(client)), retries=1)
    async def fn(ctx: Context) -> None: ...

    return [fn]


@recorded("cloud_mode_signed_call", "cloud_mode_fallback_key", "cloud_mode_signature_rejected")
def signed_async(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on(event_of(client)), retries=1)
    async def fn(ctx: Context) -> object:
        async def a() -> str:
            return "A"

        return {"a": await ctx.step.run("a", a)}

    return [fn]


@recorded("cloud_mode_signed_call", "cloud_mode_fallback_key", "cloud_mode_signature_rejected")
def signed_sync(client: Inngest) -> Functions:
    @client.create_function(fn_id="fn", trigger=on(event_of(client)), retries=1)
    def fn(ctx: ContextSync) -> object:
        return {"a": ctx.step.run("a", lambda: "A")}

    return [fn]
