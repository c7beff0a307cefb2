"""Functions on Flask, called by the embedded engine: every promise, sync and async alike.

A test's function is one text for both worlds: a generator that yields each step. The
virtual clock stands still until a test advances it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.serving import make_server

import inngest
import inngest.flask
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.dev import DevServer, Engine, VirtualClock

from .bodies import Body, handler_of
from .ports import free_port

HOUR = timedelta(hours=1)
Step = Callable[[], Any]


class BrokenError(Exception):
    """The error that the steps and functions here raise."""


@contextmanager
def served(app: flask.Flask) -> Iterator[str]:
    """Serve the app on a thread, and yield the URL of its Inngest endpoint."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/inngest"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


def engine(db: str = ":memory:") -> Engine:
    return Engine(db=db, clock=VirtualClock())


@dataclass
class World:
    """An engine, and functions that are all sync or all async."""

    server: DevServer
    is_async: bool
    functions: list[inngest.Function[Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = inngest.Inngest(
            app_id="app",
            is_production=False,
            api_base_url=self.server.origin,
            event_api_base_url=self.server.origin,
        )

    def function(
        self, fn_id: str, body: Body, *, on_failure: Body | None = None, retries: int = 3
    ) -> inngest.Function[Any]:
        made = self.client.create_function(
            fn_id=fn_id,
            trigger=inngest.TriggerEvent(event=f"test/{fn_id}"),
            retries=retries,
            on_failure=None if on_failure is None else self.handler(on_failure),
        )(self.handler(body))
        self.functions.append(made)
        return made

    def handler(self, body: Body) -> Callable[[Any], Any]:
        return handler_of(body, is_async=self.is_async)

    def step(self, name: str, work: Step = lambda: None) -> Callable[[], Any]:
        """Make a step handler that records its name."""

        def run_sync() -> Any:
            self.calls.append(name)
            return work()

        async def run_async() -> Any:
            return run_sync()

        return run_async if self.is_async else run_sync

    @contextmanager
    def serving(self) -> Iterator[None]:
        app = flask.Flask("end_to_end")
        inngest.flask.serve(app, self.client, self.functions)
        with served(app) as url:
            assert self.server.sync(url)[0] == 200
            try:
                yield
            finally:
                self.client.close()

    def send(self, name: str, **data: Any) -> str:
        sent = self.client.send_sync(inngest.Event(name=f"test/{name}", data=data))[0]
        # The time of an event is the real one, which is ahead of a clock that stands.
        self.server.advance(timedelta(minutes=1))
        return sent

    def run(self, name: str, **data: Any) -> dict[str, Any]:
        """Send an event, advance the clock by hours, and return the history of its run."""
        with self.serving():
            sent = self.send(name, **data)
            self.server.advance(HOUR * 3)
            return self.server.wait_for_run(sent)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with DevServer(port=0, engine=engine()) as server:
        yield World(server, request.param)


def fails(error: Exception) -> Any:
    raise error


def first_fails(attempts: list[int], attempt: int) -> str:
    attempts.append(attempt)
    return fails(BrokenError("not yet")) if attempt == 0 else "at last"


def test_two_steps_run_once_each(world: World) -> None:
    def body(ctx: Any) -> Any:
        first = yield ctx.step.run("first", world.step("first", lambda: 20))
        second = yield ctx.step.run("second", world.step("second", lambda: first + 1))
        return {"answer": second * 2, "of": ctx.event.data["who"]}

    world.function("two", body)
    run = world.run("two", who="me")
    assert run["status"] == "Completed"
    assert run["output"] == {"answer": 42, "of": "me"}
    assert world.calls == ["first", "second"]
    assert [(s["name"], s["state"], s["attempts"]) for s in run["steps"]] == [
        ("first", "completed", 1),
        ("second", "completed", 1),
    ]


def test_a_failed_step_is_retried(world: World) -> None:
    attempts: list[int] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.run("before", world.step("before"))
        work = world.step("charge", lambda: first_fails(attempts, ctx.attempt))
        return (yield ctx.step.run("charge", work))

    world.function("retry", body)
    run = world.run("retry")
    assert (run["status"], run["output"]) == ("Completed", "at last")
    assert attempts == [0, 1]
    assert world.calls == ["before", "charge", "charge"]


def test_a_step_out_of_attempts_is_an_error_to_catch(world: World) -> None:
    def body(ctx: Any) -> Any:
        try:
            yield ctx.step.run("charge", world.step("charge", lambda: fails(BrokenError("no"))))
        except inngest.StepError as error:
            yield ctx.step.run("refund", world.step("refund"))
            return [error.name, error.message]
        return None

    world.function("catch", body, retries=1)
    run = world.run("catch")
    assert (run["status"], run["output"]) == ("Completed", ["BrokenError", "no"])
    assert world.calls == ["charge", "charge", "refund"]
    assert run["steps"][0]["state"] == "failed"


def test_sleep_lasts_as_long_as_it_says(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.run("before", world.step("before"))
        yield ctx.step.sleep("nap", HOUR)
        return (yield ctx.step.run("after", world.step("after", lambda: "rested")))

    world.function("sleep", body)
    with world.serving():
        sent = world.send("sleep")
        world.server.advance(timedelta(minutes=50))
        assert world.calls == ["before"]
        world.server.advance(timedelta(minutes=15))
        run = world.server.wait_for_run(sent)
    assert (run["status"], run["output"]) == ("Completed", "rested")
    assert world.calls == ["before", "after"]


def test_a_failed_function_is_retried_and_keeps_its_steps(world: World) -> None:
    attempts: list[int] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.run("once", world.step("once"))
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise BrokenError("outside of steps")
        return "recovered"

    world.function("function", body)
    run = world.run("function")
    assert (run["status"], run["output"]) == ("Completed", "recovered")
    assert len(attempts) == 2
    assert world.calls == ["once"]


@pytest.mark.parametrize("is_in_step", [False, True])
def test_a_non_retriable_error_ends_the_run_at_once(world: World, is_in_step: bool) -> None:
    error = inngest.NonRetriableError("never")
    calls: list[int] = []

    def body(ctx: Any) -> Any:
        calls.append(ctx.attempt)
        if not is_in_step:
            raise error
        yield ctx.step.run("charge", world.step("charge", lambda: fails(error)))

    world.function("never", body)
    run = world.run("never")
    assert run["status"] == "Failed"
    assert "never" in str(run["output"])
    assert all(attempt == 0 for attempt in calls)
    assert world.calls == (["charge"] if is_in_step else [])


def test_on_failure_is_called_when_all_attempts_failed(world: World) -> None:
    seen: list[Any] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.run("charge", world.step("charge", lambda: fails(BrokenError("broke"))))

    def cleanup(ctx: Any) -> Any:
        yield ctx.step.run("clean", world.step("clean"))
        seen.append((ctx.event.name, ctx.event.data["error"]["message"]))
        seen.append(ctx.event.data["event"]["data"])

    world.function("doomed", body, on_failure=cleanup, retries=1)
    run = world.run("doomed", order=7)
    assert run["status"] == "Failed"
    assert world.calls == ["charge", "charge", "clean"]
    assert seen == [("inngest/function.failed", "broke"), {"order": 7}]


def test_a_parallel_group_runs_every_branch_once(world: World) -> None:
    names = ("a", "b", "c")

    def body(ctx: Any) -> Any:
        branches = tuple(
            lambda name=name: ctx.step.run(name, world.step(name, lambda: name)) for name in names
        )
        found = yield ctx.group.parallel(branches)
        return (yield ctx.step.run("join", world.step("join", lambda: "".join(found))))

    world.function("parallel", body)
    run = world.run("parallel")
    assert (run["status"], run["output"]) == ("Completed", "abc")
    assert sorted(world.calls) == ["a", "b", "c", "join"]
    assert world.calls[-1] == "join"


def test_gathered_steps_run_in_parallel() -> None:
    with DevServer(port=0, engine=engine()) as server:
        world = World(server, is_async=True)
        # Each of the two waits for the other: one after the other could not end.
        both = threading.Barrier(2, timeout=60)

        async def gathers(ctx: inngest.Context) -> list[str]:
            def branch(name: str) -> Any:
                return world.step(name, lambda: name if both.wait() >= 0 else "")

            return list(
                await asyncio.gather(
                    ctx.step.run("left", branch("left")), ctx.step.run("right", branch("right"))
                )
            )

        made = world.client.create_function(
            fn_id="gather", trigger=inngest.TriggerEvent(event="test/gather")
        )(gathers)
        world.functions.append(made)
        run = world.run("gather")
    assert (run["status"], run["output"]) == ("Completed", ["left", "right"])
    assert sorted(world.calls) == ["left", "right"]


def test_sent_events_start_other_functions_once(world: World) -> None:
    received: list[Any] = []

    def sender(ctx: Any) -> Any:
        events = [inngest.Event(name="test/receiver", data={"n": n}) for n in range(2)]
        ids = yield ctx.step.send_event("announce", events)
        yield ctx.step.sleep("nap", HOUR)
        return len(ids)

    def receiver(ctx: Any) -> Any:
        n = ctx.event.data["n"]
        yield ctx.step.run("receive", world.step("receive", lambda: received.append(n)))

    world.function("sender", sender)
    world.function("receiver", receiver)
    run = world.run("sender")
    assert (run["status"], run["output"]) == ("Completed", 2)
    assert sorted(received) == [0, 1]


@pytest.mark.parametrize("is_failing", [False, True])
def test_invoke_gives_the_result_or_the_error(world: World, is_failing: bool) -> None:
    def child(ctx: Any) -> Any:
        if is_failing:
            raise inngest.NonRetriableError("not today")
        double = world.step("double", lambda: ctx.event.data["n"] * 2)
        return (yield ctx.step.run("double", double))

    invoked = world.function("child", child)

    def parent(ctx: Any) -> Any:
        try:
            return (yield ctx.step.invoke("ask", function=invoked, data={"n": 21}))
        except inngest.StepError as error:
            return error.message

    world.function("parent", parent)
    run = world.run("parent")
    assert (run["status"], run["output"]) == ("Completed", "not today" if is_failing else 42)


@pytest.mark.parametrize("is_sent", [True, False])
def test_wait_for_event_gives_the_event_or_none(world: World, is_sent: bool) -> None:
    def body(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_event("approval", event="test/approved", timeout=HOUR)
        return found and found.data["by"]

    world.function("wait", body)
    with world.serving():
        sent = world.send("wait")
        world.server.advance(timedelta(minutes=30))
        if is_sent:
            world.send("approved", by="me")
        else:
            world.server.advance(timedelta(minutes=31))
        run = world.server.wait_for_run(sent)
    assert (run["status"], run["output"]) == ("Completed", "me" if is_sent else None)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_run_sleeps_across_a_restart_of_the_engine(tmp_path: Path, is_async: bool) -> None:
    db, port = str(tmp_path / "engine.db"), free_port()
    with DevServer(port=port, engine=engine(db)) as first:
        world = World(first, is_async)

        def body(ctx: Any) -> Any:
            yield ctx.step.run("before", world.step("before"))
            yield ctx.step.sleep("nap", HOUR)
            return (yield ctx.step.run("after", world.step("after", lambda: "rested")))

        world.function("sleep", body)
        with world.serving():
            sent = world.send("sleep")
            assert world.calls == ["before"]
            first.stop()
            with DevServer(port=port, engine=engine(db)) as second:
                second.settle()
                assert world.calls == ["before"]
                second.advance(HOUR * 2)
                run = second.wait_for_run(sent)
    assert (run["status"], run["output"]) == ("Completed", "rested")
    assert world.calls == ["before", "after"]


def test_a_call_that_code_ends_at_a_checkpoint_is_repeated_although_other_steps_wait() -> None:
    """The loser of a race is pending: an answer that reports nothing would leave it at that."""
    recording = asyncio.Event()

    class SlowOnce(HTTPClients):
        async def fetch_async(self, request: Request) -> Response | FetchError:
            if "/checkpoint/" in request.url and not recording.is_set():
                recording.set()
                await asyncio.Event().wait()
            return await super().fetch_async(request)

    with DevServer(port=0, engine=engine()) as server:
        world = World(server, is_async=True)
        world.client._http = SlowOnce()

        async def race(ctx: inngest.Context) -> object:
            won = asyncio.Event()

            async def winner() -> None:
                await ctx.step.sleep("nap", 1000)
                won.set()

            async def loser() -> None:
                await ctx.step.wait_for_event("never", event="test/never", timeout=HOUR * 99)

            mode = inngest.ParallelMode.RACE
            group = asyncio.ensure_future(ctx.group.parallel((winner, loser), parallel_mode=mode))
            await won.wait()
            group.cancel()
            step = asyncio.ensure_future(ctx.step.run("a", world.step("a", lambda: 1)))
            if not recording.is_set():
                await recording.wait()
                step.cancel()
            return await step

        trigger = inngest.TriggerEvent(event="test/race")
        world.functions.append(world.client.create_function(fn_id="race", trigger=trigger)(race))
        run = world.run("race")
    assert (run["status"], run["output"], world.calls) == ("Completed", 1, ["a"])
