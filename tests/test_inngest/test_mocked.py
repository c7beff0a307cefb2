"""`inngest.experimental.mocked`: one function, run as a server would run it."""

from __future__ import annotations

import asyncio
import datetime
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

import pydantic
import pytest

import inngest
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.errors import (
    OutputUnserializableError,
    RealtimeError,
    SendEventsError,
    SendSignalError,
    UpdateMetadataError,
)
from inngest.experimental import mocked, realtime
from inngest.experimental.ai import openai

from .bodies import Body, handler_of

BOTH = pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
EVENT = inngest.Event(name="go", data={"n": 1})


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment: a mocked client needs no keys, even in cloud mode."""
    monkeypatch.delenv("INNGEST_DEV", raising=False)


@pytest.fixture(params=["plain", "in a running loop"])
def trigger(request: pytest.FixtureRequest) -> Callable[..., mocked.Result]:
    def in_loop(*args: Any, **options: Any) -> mocked.Result:
        async def run() -> mocked.Result:
            return mocked.trigger(*args, **options)

        return asyncio.run(run())

    return mocked.trigger if request.param == "plain" else in_loop


def declared(
    is_async: bool,
    body: Body,
    client: inngest.Inngest | None = None,
    **options: Any,
) -> inngest.Function[Any]:
    """Declare a function whose body is a generator that yields its steps."""
    client = client or inngest.Inngest(app_id="app", is_production=False)
    options.setdefault("trigger", inngest.TriggerEvent(event="go"))

    made: inngest.Function[Any] = client.create_function(fn_id="fn", **options)(
        handler_of(body, is_async=is_async)
    )
    return made


def client_of(**options: Any) -> mocked.Inngest:
    return mocked.Inngest(app_id="app", **options)


def test_the_status_is_named_as_by_the_server() -> None:
    assert mocked.Status.COMPLETED.value == "Completed"
    assert mocked.Status.FAILED.value == "Failed"
    assert mocked.Status("Cancelled") is mocked.Status.CANCELLED


class Point(pydantic.BaseModel):
    x: int


@BOTH
def test_a_function_runs_to_its_end(is_async: bool, trigger: Callable[..., mocked.Result]) -> None:
    def body(ctx: Any) -> Any:
        one = yield ctx.step.run("one", lambda: ctx.event.data["n"] + 1)
        yield ctx.step.sleep("a year", datetime.timedelta(days=365))
        return [one, (yield ctx.step.run("two", lambda: one + 1))]

    result = trigger(declared(is_async, body), EVENT, client_of())
    assert result == mocked.Result(output=[2, 3], error=None, status=mocked.Status.COMPLETED)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 2), [1, 2]),
        (Point(x=1), {"x": 1}),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        ({"data": 1}, {"data": 1}),
        ({"error": {"name": "n", "message": "m"}}, {"error": {"name": "n", "message": "m"}}),
        (None, None),
    ],
)
def test_an_output_is_what_the_server_would_keep(given: Any, expected: Any) -> None:
    def body(ctx: inngest.ContextSync) -> Any:
        return given

    body.__annotations__["return"] = type(given)
    client = client_of()
    function = client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))(body)
    assert mocked.trigger(function, EVENT, client).output == expected


def test_an_output_that_is_not_json_fails_the_run() -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return object()

    result = mocked.trigger(declared(False, body), EVENT, client_of())
    assert result.status is mocked.Status.FAILED
    assert "cannot be stored" in str(result.error)


@BOTH
def test_a_non_retriable_error_is_not_retried(
    is_async: bool, trigger: Callable[..., mocked.Result]
) -> None:
    attempts = []

    def body(ctx: Any) -> Any:
        attempts.append(ctx.attempt)
        yield from ()
        raise inngest.NonRetriableError("no way")

    result = trigger(declared(is_async, body), EVENT, client_of())
    assert (result.status, attempts) == (mocked.Status.FAILED, [0])
    assert isinstance(result.error, inngest.NonRetriableError)
    assert str(result.error) == "no way"


@BOTH
def test_other_errors_are_retried_and_the_last_one_is_told(is_async: bool) -> None:
    attempts = []

    def body(ctx: Any) -> Any:
        attempts.append(ctx.attempt)
        yield from ()
        raise ValueError(f"attempt {ctx.attempt}")

    result = mocked.trigger(declared(is_async, body, retries=2), EVENT, client_of())
    assert attempts == [0, 1, 2]
    assert (result.status, result.output) == (mocked.Status.FAILED, None)
    assert isinstance(result.error, ValueError)
    assert str(result.error) == "attempt 2"


@BOTH
def test_what_a_step_raises_is_the_error_of_a_run_that_does_not_catch_it(is_async: bool) -> None:
    class DeclinedError(Exception):
        pass

    def decline() -> None:
        raise DeclinedError("no funds")

    def body(ctx: Any) -> Any:
        yield ctx.step.run("pay", decline)

    result = mocked.trigger(declared(is_async, body), EVENT, client_of())
    assert isinstance(result.error, DeclinedError)
    assert str(result.error) == "no funds"


@BOTH
def test_attempts_are_those_of_each_step(is_async: bool) -> None:
    seen: list[tuple[str, int]] = []

    def body(ctx: Any) -> Any:
        def flaky(name: str) -> str:
            seen.append((name, ctx.attempt))
            if ctx.attempt < 2:
                raise ValueError(name)
            return name

        one = yield ctx.step.run("one", flaky, "one")
        two = yield ctx.step.run("two", flaky, "two")
        return one + two

    result = mocked.trigger(declared(is_async, body, retries=2), EVENT, client_of())
    assert result.output == "onetwo"
    assert seen == [(name, attempt) for name in ("one", "two") for attempt in range(3)]


@BOTH
def test_a_caught_step_error_does_not_fail_the_run(
    is_async: bool, trigger: Callable[..., mocked.Result]
) -> None:
    def body(ctx: Any) -> Any:
        def fail() -> None:
            raise ValueError("broken")

        caught = ""
        try:
            yield ctx.step.run("a", fail)
        except inngest.StepError as error:
            caught = f"{error.name}: {error.message}"
        return (yield ctx.step.run("b", lambda: caught))

    result = trigger(declared(is_async, body, retries=1), EVENT, client_of())
    assert (result.status, result.output) == (mocked.Status.COMPLETED, "ValueError: broken")


@BOTH
def test_on_failure_is_called_once_with_the_error(
    is_async: bool, trigger: Callable[..., mocked.Result]
) -> None:
    told: list[Any] = []

    def told_sync(ctx: inngest.ContextSync) -> None:
        told.append(ctx.step.run("tell", lambda: ctx.event.data["error"]))

    async def told_async(ctx: inngest.Context) -> None:
        told.append(await ctx.step.run("tell", tell, ctx.event.data["error"]))

    async def tell(error: Any) -> Any:
        return error

    def body(ctx: Any) -> Any:
        yield from ()
        raise ValueError("broken")

    on_failure = told_async if is_async else told_sync
    function = declared(is_async, body, retries=1, on_failure=on_failure)
    result = trigger(function, EVENT, client_of())
    assert result.status is mocked.Status.FAILED
    assert [(error["name"], error["message"]) for error in told] == [("ValueError", "broken")]


def test_a_failing_failure_handler_does_not_hide_the_error() -> None:
    def fail(ctx: inngest.ContextSync) -> None:
        raise KeyError("of the handler")

    def body(ctx: Any) -> Any:
        yield from ()
        raise ValueError("of the function")

    result = mocked.trigger(declared(False, body, retries=0, on_failure=fail), EVENT, client_of())
    assert str(result.error) == "of the function"


@BOTH
def test_one_event_gives_one_id(is_async: bool) -> None:
    client = client_of()
    sent = client.send_sync(EVENT)
    assert len(sent) == 1
    assert asyncio.run(client.send(EVENT)) == sent
    three = client.send_sync([EVENT, EVENT, EVENT])
    assert three[0] == sent[0]
    assert len(set(three)) == 3

    def body(ctx: Any) -> Any:
        one = yield ctx.step.send_event("one", EVENT)
        two = yield ctx.step.send_event("two", [EVENT, EVENT])
        return [one, two]

    assert mocked.trigger(declared(is_async, body), EVENT, client).output == [sent, three[:2]]


def test_an_event_that_is_not_json_is_refused() -> None:
    with pytest.raises(SendEventsError, match="NaN"):
        client_of().send_sync(inngest.Event(name="e", data={"x": float("nan")}))


def test_what_is_sent_passes_the_middleware() -> None:
    class Renaming(inngest.MiddlewareSync):
        def before_send_events(self, events: list[inngest.Event[Any]]) -> None:
            seen.extend(event.name for event in events)

    seen: list[str] = []
    client_of(middleware=[Renaming]).send_sync(EVENT)
    assert seen == ["go"]


@BOTH
def test_stubs_stand_in_for_steps(is_async: bool, trigger: Callable[..., mocked.Result]) -> None:
    def unreachable() -> Any:
        raise AssertionError("it is stubbed")

    adapter = openai.Adapter(auth_key="k", model="m")

    def body(ctx: Any) -> Any:
        return [
            (yield ctx.step.run("run", unreachable)),
            (yield ctx.step.send_event("send", EVENT)),
            (yield ctx.step.wait_for_event("wait", event="never", timeout=1000)).data,
            (yield ctx.step.wait_for_event("late", event="never", timeout=10**9)),
            (yield ctx.step.invoke_by_id("invoke", function_id="other")),
            (yield ctx.step.ai.infer("ask", adapter=adapter, body={})),
        ]

    stubs = {
        "run": 1,
        "send": ["id"],
        "wait": inngest.Event(name="whatever", data={"n": 2}),
        "late": mocked.Timeout,
        "invoke": Point(x=3),
        "ask": lambda: {"answer": 4},
    }
    result = trigger(declared(is_async, body), EVENT, client_of(), step_stubs=stubs)
    assert result.output == [1, ["id"], {"n": 2}, None, {"x": 3}, {"answer": 4}], result.error


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"by": "Ada"}, ["approve", {"by": "Ada"}]),
        ("yes", ["approve", "yes"]),
        (None, ["approve", None]),
        (Point(x=1), ["approve", {"x": 1}]),
        (inngest.Signal(name="other", data=[1]), ["other", [1]]),
        ({"signal": "other", "data": 1}, ["other", 1]),
        (lambda: 5, ["approve", 5]),
        (mocked.Timeout, None),
    ],
)
def test_a_signal_is_stubbed_by_its_data(given: object, expected: object) -> None:
    def body(ctx: Any) -> Any:
        got = yield ctx.step.wait_for_signal("wait", signal="approve", timeout=60_000)
        return got and [got.name, got.data]

    result = mocked.trigger(declared(False, body), EVENT, client_of(), step_stubs={"wait": given})
    assert result.output == expected, result.error


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", [200, "text", "text/plain", "http://a.test/"]),
        ({"n": [1]}, [200, '{"n": [1]}', "application/json", "http://a.test/"]),
        (Point(x=1), [200, '{"x": 1}', "application/json", "http://a.test/"]),
        ({"status_code": 404}, [404, "", None, "http://a.test/"]),
        (
            inngest.FetchedResponse(
                status_code=302, headers={"content-type": "x"}, body="b", url="u"
            ),
            [302, "b", "x", "u"],
        ),
    ],
)
def test_a_fetch_is_stubbed_by_what_is_answered(given: object, expected: list[object]) -> None:
    def body(ctx: Any) -> Any:
        got = yield ctx.step.fetch("get", "http://a.test/")
        return [got.status_code, got.body, got.headers.get("content-type"), got.url]

    result = mocked.trigger(declared(False, body), EVENT, client_of(), step_stubs={"get": given})
    assert result.output == expected, result.error


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse_async(*_: object) -> None:
        raise AssertionError("a request was made")

    def refuse(*_: object) -> None:
        raise AssertionError("a request was made")

    for name in ("fetch", "open"):
        monkeypatch.setattr(HTTPClients, name, refuse)
        monkeypatch.setattr(HTTPClients, f"{name}_async", refuse_async)


@pytest.mark.usefixtures("no_network")
def test_a_mocked_client_makes_no_request() -> None:
    client = client_of(api_base_url="http://127.0.0.1:1", event_api_base_url="http://127.0.0.1:1")

    async def main() -> None:
        assert await client.send_signal("approve", {"by": "Ada"}) == "0" * 26
        await client.update_metadata("R", {"a": 1})
        await realtime.publish(client, "c", "t", {"a": 1})
        assert (await realtime.get_subscription_token(client, "c", ["t"]))["key"] == "mocked"

    asyncio.run(main())
    assert client.send_signal_sync("approve") == "0" * 26
    client.update_metadata_sync("R", {"a": 1})
    realtime.publish_sync(client, "c", "t", 1)
    with (
        pytest.raises(RealtimeError) as refused,
        realtime.subscribe_sync(client, "c", ["t"]),
    ):
        pass
    assert "a mocked client makes no request" in str(refused.value.__cause__)


def test_what_a_server_would_refuse_a_mocked_client_refuses() -> None:
    client = client_of()
    with pytest.raises(SendSignalError, match="not empty"):
        client.send_signal_sync("")
    with pytest.raises(UpdateMetadataError, match="not the id of a run"):
        client.update_metadata_sync("no/run", {})
    with pytest.raises(OutputUnserializableError):
        realtime.publish_sync(client, "c", "t", object())


@BOTH
def test_signals_and_metadata_of_a_run_are_dropped(is_async: bool) -> None:
    testing = client_of()

    def body(ctx: Any) -> Any:
        publish: Any = realtime.publish if is_async else realtime.publish_sync
        taken_by = yield ctx.step.send_signal("send", signal="approve", data=1)
        yield ctx.step.update_metadata("note", {"a": 1})
        yield ctx.step.run("tell", publish, testing, "c", "t", {"n": 1})
        return taken_by

    result = mocked.trigger(declared(is_async, body), EVENT, testing)
    assert result.output == "0" * 26, result.error


def test_a_stub_that_is_an_exception_is_raised() -> None:
    def body(ctx: inngest.ContextSync) -> list[str]:
        errors = []
        steps: list[Callable[[], object]] = [
            lambda: ctx.step.run("run", object),
            lambda: ctx.step.invoke_by_id("invoke", function_id="other"),
        ]
        for step in steps:
            try:
                step()
            except inngest.StepError as error:
                errors.append(f"{error.name}: {error.message}")
        return errors

    client = client_of()
    declare = client.create_function(fn_id="fn", retries=0, trigger=inngest.TriggerEvent(event="x"))
    stubs: dict[str, object] = {"run": ValueError("a"), "invoke": ValueError("b")}
    result = mocked.trigger(declare(body), EVENT, client, step_stubs=stubs)
    assert result.output == ["ValueError: a", "ValueError: b"]


def test_stubs_stand_in_within_a_group() -> None:
    async def run() -> str:
        return "ran"

    async def body(ctx: inngest.Context) -> Any:
        waited, invoked, ran = await asyncio.gather(
            ctx.step.wait_for_event("wait", event="never", timeout=1000),
            ctx.step.invoke_by_id("invoke", function_id="other"),
            ctx.step.run("run", run),
        )
        return [waited and waited.data["n"], invoked, ran]

    client = client_of()
    declare = client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="x"))
    stubs: dict[str, object] = {"wait": inngest.Event(name="e", data={"n": 1}), "invoke": 2}
    assert mocked.trigger(declare(body), EVENT, client, step_stubs=stubs).output == [1, 2, "ran"]


@pytest.mark.parametrize("kind", ["wait", "invoke", "ask"])
def test_a_step_that_needs_a_stub_says_so(kind: str, trigger: Callable[..., mocked.Result]) -> None:
    failures: list[object] = []
    adapter = openai.Adapter(auth_key="k", model="m")

    def body(ctx: Any) -> Any:
        if kind == "wait":
            yield ctx.step.wait_for_event("it", event="e", timeout=1000)
        elif kind == "invoke":
            yield ctx.step.invoke_by_id("it", function_id="other")
        else:
            yield ctx.step.ai.infer("it", adapter=adapter, body={})

    function = declared(False, body, on_failure=lambda ctx: failures.append(ctx))
    with pytest.raises(mocked.UnstubbedStepError, match='step "it"'):
        trigger(function, EVENT, client_of())
    assert failures == []


def test_a_wait_is_stubbed_by_an_event() -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.wait_for_event("it", event="e", timeout=1000)

    with pytest.raises(TypeError, match=r"must be an\s+inngest.Event or mocked.Timeout"):
        mocked.trigger(declared(False, body), EVENT, client_of(), step_stubs={"it": 1})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "e", "data": {"n": 1}}, ["e", {"n": 1}]),
        (None, None),
        (mocked.Timeout, None),
    ],
)
@BOTH
def test_a_wait_is_stubbed_by_what_it_gives(is_async: bool, given: object, expected: Any) -> None:
    def body(ctx: Any) -> Any:
        event = yield ctx.step.wait_for_event("it", event="e", timeout=1000)
        return event and [event.name, event.data]

    function = declared(is_async, body)
    result = mocked.trigger(function, EVENT, client_of(), step_stubs={"it": given})
    assert (result.status, result.output) == (mocked.Status.COMPLETED, expected)


def test_what_is_no_event_is_no_stub_of_a_wait() -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.wait_for_event("it", event="e", timeout=1000)

    with pytest.raises(TypeError, match=r'step "it" is no event: (.|\n)*name'):
        mocked.trigger(declared(False, body), EVENT, client_of(), step_stubs={"it": {"data": {}}})


def test_a_batch_is_given_whole() -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return [event.data["n"] for event in ctx.events]

    events = [inngest.Event(name="go", data={"n": n}) for n in range(3)]
    assert mocked.trigger(declared(False, body), events, client_of()).output == [0, 1, 2]
    with pytest.raises(ValueError, match="needs an event"):
        mocked.trigger(declared(False, body), [], client_of())


def test_what_is_no_function_and_no_event_is_named() -> None:
    def body(ctx: Any) -> Any:
        yield from ()

    with pytest.raises(TypeError, match=r"needs an inngest\.Function, not a function"):
        mocked.trigger(cast("Any", body), EVENT, client_of())
    with pytest.raises(TypeError, match=r"needs an inngest\.Event, not a dict"):
        mocked.trigger(declared(False, body), cast("Any", {"name": "go"}), client_of())


@pytest.mark.parametrize(
    "options",
    [
        {"trigger": inngest.TriggerCron(cron="* * * * *")},
        {"trigger": inngest.TriggerEvent(event="other", expression="event.data.n == 7")},
        {"debounce": inngest.Debounce(period=60_000)},
        {"batch_events": inngest.Batch(max_size=10, timeout=60_000)},
        {"rate_limit": inngest.RateLimit(limit=1, period=60_000)},
    ],
    ids=["cron", "expression", "debounce", "batch", "rate limit"],
)
def test_triggers_and_limits_do_not_matter(options: dict[str, Any]) -> None:
    starts = []

    def body(ctx: Any) -> Any:
        starts.append(ctx.run_id)
        yield ctx.step.sleep("an hour", datetime.timedelta(hours=1))
        yield ctx.step.send_event("again", EVENT)
        return "done"

    result = mocked.trigger(declared(False, body, **options), EVENT, client_of())
    assert result.output == "done"
    assert len(set(starts)) == 1


def test_a_function_may_be_given_an_event_of_the_server() -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return ctx.event.name

    event = inngest.Event(name="inngest/function.failed", data={"run_id": "R"})
    assert mocked.trigger(declared(False, body), event, client_of()).output == event.name


def test_a_run_that_is_too_late_is_cancelled() -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.sleep("a day", datetime.timedelta(days=1))

    timeouts = inngest.Timeouts(finish=datetime.timedelta(hours=1))
    result = mocked.trigger(declared(False, body, timeouts=timeouts), EVENT, client_of())
    assert result == mocked.Result(output=None, error=None, status=mocked.Status.CANCELLED)


def test_the_clients_middleware_runs_and_the_client_stays_as_it_is() -> None:
    class Counting(inngest.MiddlewareSync):
        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.step is None:
                result.output = "changed"

    def body(ctx: Any) -> Any:
        yield from ()
        return "plain"

    client = client_of(middleware=[Counting])
    before = dict(vars(client))
    assert mocked.trigger(declared(False, body), EVENT, client).output == "changed"
    assert vars(client) == before


def test_triggers_on_several_threads_do_not_meet() -> None:
    def body(ctx: Any) -> Any:
        n = yield ctx.step.run("n", lambda: ctx.event.data["n"])
        return n

    client, results = client_of(), {}
    function = declared(True, body)

    def work(n: int) -> None:
        event = inngest.Event(name="go", data={"n": n})
        results[n] = mocked.trigger(function, event, client).output

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {n: n for n in range(4)}


def test_a_client_that_sends_is_refused() -> None:
    def body(ctx: Any) -> Any:
        yield from ()

    client: Any = inngest.Inngest(app_id="app", is_production=False)
    with pytest.raises(TypeError, match=r"mocked\.Inngest"):
        mocked.trigger(declared(False, body), EVENT, client)


def test_without_the_engine_the_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(ctx: Any) -> Any:
        yield from ()

    monkeypatch.setitem(sys.modules, "inngest.dev.testing.isolated", None)
    with pytest.raises(ModuleNotFoundError, match="pip install inngest-dev"):
        mocked.trigger(declared(False, body), EVENT, client_of())


def test_the_serializer_is_that_of_the_client_that_is_given(
    trigger: Callable[..., mocked.Result],
) -> None:
    """Not that of the one which has declared the function."""

    class Bracketing:
        def serialize(self, obj: object, typ: object) -> object:
            return [obj]

        def deserialize(self, obj: Any, typ: object) -> object:
            return obj[0]

    client = inngest.Inngest(app_id="app", is_production=False, serializer=Bracketing())

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    def fn(ctx: inngest.ContextSync) -> int:
        return ctx.step.run("a", lambda: 1)

    event = inngest.Event(name="e")
    assert trigger(fn, event, mocked.Inngest(app_id="x")).output == 1
    given = mocked.Inngest(app_id="x", serializer=Bracketing())
    assert trigger(fn, event, given).output == [1]
