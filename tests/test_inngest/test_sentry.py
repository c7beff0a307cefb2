"""`inngest.experimental.sentry_middleware`, with a transport of our own: nothing is sent."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

import inngest
from inngest.dev.testing import AsyncVirtualEngine
from inngest.experimental.sentry_middleware import SentryMiddleware
from inngest.testing import MiddlewareSuite

from .conftest import Make
from .worlds import World


class Recorder(Transport):
    """Collects what is sent to Sentry."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.items: list[dict[str, Any]] = []
        self.flushes: list[int] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.items += [item.payload.json for item in envelope.items if item.payload.json]

    def flush(self, timeout: float, callback: Any = None) -> None:
        assert 0 < timeout <= 2
        self.flushes.append(threading.get_ident())

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [item for item in self.items if "exception" in item]

    @property
    def traces(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item.get("type") == "transaction"]

    def told(self) -> list[str]:
        """Return the messages of the reported exceptions."""
        return [item["exception"]["values"][-1]["value"] for item in self.errors]


@pytest.fixture
def sentry() -> Iterator[Recorder]:
    yield from recording()


@pytest.fixture
def sentry_of_logs() -> Iterator[Recorder]:
    """Set up Sentry with its defaults, which report what is logged as an error."""
    yield from recording(LoggingIntegration())


def recording(*integrations: Any) -> Iterator[Recorder]:
    recorder = Recorder()
    sentry_sdk.init(
        integrations=integrations,
        dsn="http://key@127.0.0.1/1",
        transport=recorder,
        traces_sample_rate=1.0,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        enable_backpressure_handling=False,  # a thread that sleeps, in whatever test runs then
    )
    yield recorder
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def world(make_world: Make) -> World:
    return make_world(middleware=[SentryMiddleware])


class TestSentry(MiddlewareSuite):
    def build(self) -> Any:
        return SentryMiddleware


def raising(error: Exception) -> Any:
    def fail() -> None:
        raise error

    return fail


def test_a_call_is_a_trace_with_a_span_for_each_step_that_ran(
    world: World, sentry: Recorder
) -> None:
    def body(ctx: Any) -> Any:
        one = yield ctx.step.run("one", world.step(lambda: 1))
        two = yield ctx.step.run("two", world.step(lambda: 2))
        return one + two

    world.function(body)
    assert world.play().body == 3
    traces = [
        (trace["transaction"], [(span["op"], span["description"]) for span in trace["spans"]])
        for trace in sentry.traces
    ]
    assert traces == [
        ("app-fn", [("inngest.step", "one")]),
        ("app-fn", [("inngest.step", "two")]),
        ("app-fn", []),
    ]
    first = sentry.traces[0]
    assert first["contexts"]["trace"]["op"] == "inngest.function"
    assert first["contexts"]["trace"]["status"] == "ok"
    tags = {"inngest.app.id": "app", "inngest.function.id": "fn", "inngest.run.id": "R"}
    assert first["tags"].items() >= tags.items()
    assert sentry.errors == []
    assert sentry.flushes == []


def test_only_a_final_failure_of_the_function_is_told(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        raise ValueError(f"attempt {ctx.attempt}")

    world.function(body)
    for attempt in range(3):
        world.call(attempt=attempt, max_attempts=3)
        assert sentry.told() == (["attempt 2"] if attempt == 2 else [])
    assert len(sentry.flushes) == 1
    (error,) = sentry.errors
    assert error["tags"]["inngest.run.id"] == "R"
    assert error["contexts"]["inngest"] == {"attempt": 2, "event": "test/fn"}
    assert sentry.traces[-1]["contexts"]["trace"]["status"] == "internal_error"


def test_an_error_that_is_not_retried_is_final(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        raise inngest.NonRetriableError("no way")

    world.function(body)
    world.call()
    assert sentry.told() == ["no way"]


def test_a_step_that_fails_for_good_is_told_once_with_its_traceback(
    world: World, sentry: Recorder
) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.run("charge", world.step(raising(ValueError("broken"))))

    world.function(body)
    assert world.play(max_attempts=2).status == 500
    assert sentry.told() == ["broken"]
    (error,) = sentry.errors
    assert error["tags"]["inngest.step.id"] == "charge"
    frames = error["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "fail"


def test_a_step_that_succeeds_at_last_is_not_told(world: World, sentry: Recorder) -> None:
    left = [ValueError("first"), ValueError("second")]

    def flaky() -> str:
        if left:
            raise left.pop()
        return "done"

    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("a", world.step(flaky)))

    world.function(body)
    assert world.play(max_attempts=3).body == "done"
    assert sentry.errors == []
    spans = [span for trace in sentry.traces for span in trace["spans"]]
    assert [(s["data"]["inngest.attempt"], s.get("status")) for s in spans] == [
        (0, "internal_error"),
        (1, "internal_error"),
        (2, None),
    ]


def test_what_is_logged_of_a_failure_is_not_told_as_well(
    world: World, sentry_of_logs: Recorder
) -> None:
    def body(ctx: Any) -> Any:
        if ctx.event.data["in"] == "step":
            yield ctx.step.run("charge", world.step(raising(ValueError("broken"))))
        raise ValueError("broken")

    world.function(body)
    for where in ("step", "function"):
        told = len(sentry_of_logs.items)
        world.call(event={"name": "e", "data": {"in": where}}, attempt=0, max_attempts=2)
        assert [each for each in sentry_of_logs.items[told:] if "level" in each] == []
        world.call(event={"name": "e", "data": {"in": where}}, attempt=1, max_attempts=2)
        (error,) = [each for each in sentry_of_logs.items[told:] if "level" in each]
        assert error["exception"]["values"][-1]["value"] == "broken"


def test_what_else_is_logged_is_told(make_world: Make, sentry_of_logs: Recorder) -> None:
    class Failing(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            raise ValueError("no database")

    world = make_world(middleware=[SentryMiddleware, Failing])
    world.function(lambda ctx: iter(()))
    world.call()
    (error,) = sentry_of_logs.errors
    assert error["logger"] == "inngest"


def test_tags_are_those_of_existing_apps(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        raise inngest.NonRetriableError("no way")

    world.function(body)
    world.call(event={"name": "shop/paid", "data": {}, "id": "e-1", "ts": 5})
    (error,) = sentry.errors
    assert error["tags"] == {
        "inngest.app.id": "app",
        "inngest.event.count": 1,
        "inngest.event.id": "e-1",
        "inngest.event.name": "shop/paid",
        "inngest.function.id": "fn",
        "inngest.function.name": "fn",
        "inngest.run.id": "R",
    }


def test_a_failure_of_a_step_that_the_server_ran_is_told(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.invoke_by_id("ask", function_id="other")

    world.function(body)
    (op,) = world.call().body
    world.call(memos={op["id"]: {"error": {"name": "Error", "message": "not found"}}})
    assert sentry.told() == ["not found"]


def test_a_call_within_a_trace_is_a_span_of_it(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return 1

    world.function(body)
    with sentry_sdk.start_transaction(op="http.server", name="POST /api/inngest"):
        world.call()
    (trace,) = sentry.traces
    assert trace["transaction"] == "POST /api/inngest"
    assert "app-fn" in [span["description"] for span in trace["spans"]]


def test_tags_do_not_outlive_their_call(world: World, sentry: Recorder) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return 1

    world.function(body)
    world.call()
    sentry_sdk.capture_message("later")
    (later,) = [item for item in sentry.items if item.get("message") == "later"]
    assert not [tag for tag in later.get("tags", {}) if tag.startswith("inngest")]


def test_the_loop_is_not_held_up_by_a_flush(sentry: Recorder) -> None:
    client = inngest.Inngest(app_id="app", is_production=False, middleware=[SentryMiddleware])

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"), retries=0)
    async def function(ctx: inngest.Context) -> None:
        raise ValueError("broken")

    async def run() -> None:
        async with AsyncVirtualEngine(client, [function]) as engine:
            run = await engine.send(inngest.Event(name="e"))
            assert run.status == "Failed"

    asyncio.run(run())
    assert sentry.told() == ["broken"]
    assert len(sentry.flushes) == 1
    assert threading.get_ident() not in sentry.flushes


def test_without_sentry_set_up_nothing_happens(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("a", world.step(lambda: 1)))

    world.function(body)
    assert world.play().body == 1


def test_without_the_library_the_extra_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)

    def body(ctx: Any) -> Any:
        yield from ()

    world.function(body)
    reply = world.call()
    assert reply.status == 500
    assert 'pip install "inngest-core[sentry]"' in reply.body["message"]
