"""The kit runs functions as the platform does, in no time."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import inngest
from inngest import Context, ContextSync, Event, Inngest, TriggerEvent
from inngest.dev.testing import (
    AsyncVirtualEngine,
    Outbound,
    RecordedRun,
    RefusedError,
    RunStateError,
    VirtualEngine,
)
from inngest.outgoing import Request

ORDER = Event(name="order/placed", data={"cents": 5})


@pytest.fixture
def client() -> Iterator[Inngest]:
    client = Inngest(app_id="shop")
    yield client
    client.close()


def function(client: Inngest, **options: Any) -> Callable[[Any], inngest.Function[Any]]:
    options = {"fn_id": "fn", "trigger": TriggerEvent(event="order/placed"), **options}
    return client.create_function(**options)


def test_a_month_passes_at_once(client: Inngest) -> None:
    @function(client)
    def remind(ctx: ContextSync) -> str:
        for week in range(4):
            ctx.step.sleep(f"week {week}", timedelta(days=7))
        return ctx.step.run("remind", lambda: "reminded")

    with VirtualEngine(client, [remind]) as engine:
        run = engine.send(ORDER)
        assert (run.status, run.ended) == ("Running", False)
        engine.advance(timedelta(days=27))
        assert run.status == "Running"
        engine.advance(timedelta(days=3))
        assert (run.output, run.duration) == ("reminded", timedelta(days=28))
        assert [step.state for step in run.steps] == ["completed"] * 5


@pytest.mark.parametrize("is_async", [False, True])
def test_async_functions_in_both_faces(client: Inngest, is_async: bool) -> None:
    loops = []

    @function(client)
    async def charge(ctx: Context) -> int:
        async def pay() -> int:
            loops.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return 5

        await ctx.step.sleep("a while", timedelta(hours=1))
        return await ctx.step.run("pay", pay)

    async def in_a_loop() -> RecordedRun:
        async with AsyncVirtualEngine(client, [charge]) as engine:
            run = await engine.send(ORDER)
            await engine.advance(timedelta(hours=1))
            assert run.output == 5
            assert loops == [asyncio.get_running_loop()]
        return run

    if is_async:
        asyncio.run(in_a_loop())
    else:
        with VirtualEngine(client, [charge]) as engine:
            run = engine.send(ORDER)
            engine.finish(run)
            assert run.output == 5


def test_sync_functions_run_on_the_tests_thread_without_a_loop(client: Inngest) -> None:
    threads = []

    @function(client)
    def fn(ctx: ContextSync) -> str:
        threads.append(threading.get_ident())
        return asyncio.run(asyncio.sleep(0, "a loop of its own"))

    with VirtualEngine(client, [fn]) as engine:
        assert engine.send(ORDER).output == "a loop of its own"
    assert threads == [threading.get_ident()]


def test_sync_functions_in_an_async_test(client: Inngest) -> None:
    @function(client)
    def fn(ctx: ContextSync) -> str:
        ctx.step.send_event("tell", Event(name="order/told"))
        return ctx.step.run("a", lambda: "done")

    async def go() -> None:
        async with AsyncVirtualEngine(client, [fn]) as engine:
            run = await engine.send(ORDER)
            assert run.output == "done"
            assert [e.sent_by for e in engine.events("order/told")] == [run.id]

    asyncio.run(go())


def test_a_step_is_retried_by_itself(client: Inngest) -> None:
    @function(client, retries=2)
    def fn(ctx: ContextSync) -> str:
        ctx.step.run("before", lambda: "once")
        return ctx.step.run("pay", lambda: "not called")

    with VirtualEngine(client, [fn]) as engine:
        before = engine.stub("before", "once")
        engine.stub("pay", ConnectionError("down"), OSError, "paid")
        run = engine.send(ORDER)
        assert run.step("pay").state == "retrying"
        engine.advance(timedelta(seconds=15))
        assert run.status == "Running"
        engine.finish(run)
        assert run.output == "paid"
        assert (run.step("pay").attempts, len(before.calls)) == (3, 1)


@pytest.mark.parametrize("is_in_step", [False, True])
def test_a_retry_waits_as_long_as_it_is_told_however_much_time_has_passed(
    client: Inngest, is_in_step: bool
) -> None:
    def work(attempt: int) -> int:
        if attempt == 0:
            raise inngest.RetryAfterError("busy", timedelta(hours=1))
        return attempt

    @function(client)
    def later(ctx: ContextSync) -> int:
        ctx.step.sleep("a month", timedelta(days=30))
        return ctx.step.run("work", work, ctx.attempt) if is_in_step else work(ctx.attempt)

    with VirtualEngine(client, [later]) as engine:
        run = engine.send(ORDER)
        engine.finish(run)
        assert run.output == 1
        assert run.duration is not None
        waited = run.duration - timedelta(days=30)
        assert timedelta(minutes=50) < waited <= timedelta(hours=1)


def test_on_failure_runs_when_all_attempts_failed(client: Inngest) -> None:
    told: list[str] = []

    def on_failure(ctx: ContextSync) -> None:
        error: Any = ctx.event.data["error"]
        told.append(error["message"])

    @function(client, retries=1, on_failure=on_failure)
    def fn(ctx: ContextSync) -> None:
        ctx.step.run("pay", lambda: None)

    with VirtualEngine(client, [fn]) as engine:
        engine.stub("pay", ValueError("no money"))
        run = engine.send(ORDER)
        engine.finish(run)
        engine.settle()
        assert (run.error.name, run.error.message) == ("ValueError", "no money")
        assert told == ["no money"]
        assert [r.status for r in engine.runs("shop-fn-failure")] == ["Completed"]


def test_a_caught_error_is_no_failure(client: Inngest) -> None:
    @function(client, retries=0)
    def fn(ctx: ContextSync) -> str:
        try:
            return ctx.step.run("pay", lambda: "paid")
        except inngest.StepError as error:
            return f"caught {error.message}"

    with VirtualEngine(client, [fn]) as engine:
        engine.stub("pay", ValueError("no money"))
        run = engine.send(ORDER)
        assert run.output == "caught no money"
        assert run.step("pay").error is not None


def test_stubs_are_called_with_the_steps_arguments_and_can_be_of_one_function(
    client: Inngest,
) -> None:
    @function(client)
    def one(ctx: ContextSync) -> int:
        return ctx.step.run("add", lambda a, b: a + b, 1, 2)

    @function(client, fn_id="two")
    def two(ctx: ContextSync) -> int:
        return ctx.step.run("add", lambda a, b: a + b, 3, 4)

    with VirtualEngine(client, [one, two]) as engine:
        stub = engine.stub("add", lambda a, b: a * b, function=two)
        event = engine.send(ORDER, function=one)
        assert event.output == 3
        (other,) = engine.runs(two)
        assert (other.output, stub.calls) == (12, [(3, 4)])
        with pytest.raises(TypeError, match="needs an outcome"):
            engine.stub("add")


def test_functions_invoke_each_other_over_apps(client: Inngest) -> None:
    bank = Inngest(app_id="bank")

    @bank.create_function(fn_id="pay", trigger=TriggerEvent(event="bank/pay"))
    def pay(ctx: ContextSync) -> int:
        ctx.step.sleep("settle", timedelta(days=2))
        return 7

    @function(client)
    def fn(ctx: ContextSync) -> Any:
        return ctx.step.invoke("pay", function=pay)

    with VirtualEngine(client, [fn]) as engine:
        engine.serve(bank, [pay])
        run = engine.send(ORDER)
        assert run.step("pay").state == "invoking"
        engine.finish(run)
        assert run.output == 7
        alone = engine.invoke(pay, {"a": 1})
        assert alone.events[0].data["a"] == 1
    bank.close()


def test_waits_signals_and_cancellation(client: Inngest) -> None:
    @function(client, cancel=[inngest.Cancel(event="order/cancelled")])
    def fn(ctx: ContextSync) -> Any:
        paid = ctx.step.wait_for_event("paid", event="order/paid", timeout=timedelta(days=1))
        return None if paid is None else paid.data["by"]

    with VirtualEngine(client, [fn]) as engine:
        late, paid, dropped, stopped = (engine.send(ORDER) for _ in range(4))
        assert late.step("paid").state == "waiting"
        engine.cancel(stopped)
        assert stopped.status == "Cancelled"
        engine.send(Event(name="order/paid", data={"by": "card"}))
        assert (paid.output, late.output) == ("card", "card")
        last = engine.send(ORDER)
        engine.advance(timedelta(days=1))
        assert last.output is None
        dropped = engine.send(ORDER)
        engine.send(Event(name="order/cancelled"))
        assert dropped.status == "Cancelled"
        with pytest.raises(RunStateError, match="is Cancelled, not Completed"):
            _ = dropped.output


def test_events_and_logs_are_recorded(client: Inngest, caplog: pytest.LogCaptureFixture) -> None:
    @function(client)
    def fn(ctx: ContextSync) -> None:
        ctx.logger.info("starting %s", 1)
        ctx.step.send_event("tell", Event(name="order/told", data={"a": 1}))
        ctx.logger.debug("ending")

    with VirtualEngine(client, [fn], start=datetime(2030, 1, 1, tzinfo=timezone.utc)) as engine:
        run = engine.send(ORDER)
        assert run.status == "Completed"
        assert [(log.level, log.message) for log in run.logs] == [
            ("INFO", "starting 1"),
            ("DEBUG", "ending"),
        ]
        told = engine.events()[-1]
        assert (told.name, told.data, told.sent_by) == ("order/told", {"a": 1}, run.id)
        assert told.ts == round(engine.now.timestamp() * 1000)
        assert [e.name for e in engine.events("inngest/function.finished")] != []


class Model:
    """A provider of models that is never reached."""

    def auth_key(self) -> str:
        return "secret"

    def format(self) -> str:
        return "openai-chat"

    def headers(self) -> dict[str, str]:
        return {}

    def on_call(self, body: dict[str, Any]) -> None:
        body["model"] = "m"

    def url_infer(self) -> str:
        return "https://example.test/chat"


def test_a_line_that_cannot_be_formatted_fails_no_function(client: Inngest) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    lines = [("%(name)s", {"id": 1}), ("%s and %s", 1), ("it is %s", Unprintable())]
    client.set_logger(logging.getLogger("inngest.test.silent"))
    client.logger.setLevel(logging.CRITICAL)

    @function(client)
    def fn(ctx: ContextSync) -> None:
        for line, value in lines:
            ctx.logger.info(line, value)

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        assert run.status == "Completed", run.timeline()
        assert [log.message for log in run.logs][:2] == ["%(name)s ({'id': 1},)", "%s and %s (1,)"]
        assert run.logs[2].message.startswith("it is %s (<")


def test_third_parties_are_stood_in_for(client: Inngest) -> None:
    @function(client, retries=0)
    def fn(ctx: ContextSync) -> Any:
        return ctx.step.ai.infer("ask", adapter=Model(), body={"q": "why?"})

    def answer(request: Outbound) -> object:
        return {"asked": request.url, "body": request.body}

    with VirtualEngine(client, [fn], fetch=answer) as engine:
        body = '{"model":"m","q":"why?"}'
        assert engine.send(ORDER).output == {"asked": "https://example.test/chat", "body": body}
    with VirtualEngine(client, [fn]) as engine:
        assert "nothing stands in for" in engine.send(ORDER).error.message


def refused_by_test(_: Outbound) -> object:
    pytest.fail("nobody was to ask")


def lost(_: Outbound) -> object:
    raise KeyError("no such page")


def gone(_: Outbound) -> object:
    raise asyncio.CancelledError("gone")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lost, "KeyError: 'no such page'"),
        (gone, "CancelledError: gone"),
        (refused_by_test, "Failed: nobody was to ask"),
        (lambda _: object(), "fetch= gave a object: an inngest.dev.testing.Inbound is needed"),
    ],
    ids=["raises", "is cancelled", "fails the test", "no JSON"],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_stand_in_that_raises_is_a_connection_that_breaks(
    client: Inngest, answer: Any, says: str, is_async: bool
) -> None:
    @function(client, retries=1)
    def fn(ctx: ContextSync) -> Any:
        return ctx.step.fetch("ask", "https://example.test/").status_code

    asked: list[Outbound] = []

    def fetch(request: Outbound) -> object:
        asked.append(request)
        return answer(request)

    async def play() -> RecordedRun:
        async with AsyncVirtualEngine(client, [fn], fetch=fetch) as engine:
            run = await engine.send(ORDER)
            await engine.finish(run)
            assert says in run.error.message
        return run

    if is_async:
        asyncio.run(asyncio.wait_for(play(), 60))
    else:
        with VirtualEngine(client, [fn], fetch=fetch) as engine:
            run = engine.send(ORDER)
            assert len(asked) == 1 and run.step("ask").state == "fetching"
            engine.finish(run)
            assert says in run.error.message
    assert len(asked) == 2


def test_what_never_ends_is_said(client: Inngest) -> None:
    @client.create_function(fn_id="stuck", trigger=inngest.TriggerEvent(event=ORDER.name))
    async def stuck(ctx: inngest.Context) -> None:
        await asyncio.Event().wait()

    with (
        VirtualEngine(client, [stuck], timeout=0.05) as engine,
        pytest.raises(TimeoutError, match=r"nothing came to an end within 0\.05 s"),
    ):
        engine.send(ORDER)


def test_a_short_timeout_is_for_the_app_and_not_for_the_engine(client: Inngest) -> None:
    """On a loaded machine it would be over before the engine has started, or has ended."""

    @client.create_function(fn_id="stuck", trigger=inngest.TriggerEvent(event=ORDER.name))
    async def stuck(ctx: inngest.Context) -> None:
        await asyncio.Event().wait()

    with VirtualEngine(client, [stuck], timeout=1e-6) as engine, pytest.raises(TimeoutError):
        engine.send(ORDER)


def test_what_is_missing_is_said(client: Inngest) -> None:
    @function(client, debounce=inngest.Debounce(period=timedelta(minutes=1)))
    def fn(ctx: ContextSync) -> str:
        return "done"

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        assert not run.exists
        with pytest.raises(RunStateError, match=r"started no run.*\n.*shop-fn: order/placed"):
            _ = run.output
        engine.advance(timedelta(minutes=2))
        assert run.output == "done"
        with pytest.raises(RunStateError, match="there is no step 'a'; there is none"):
            run.step("a")
        with pytest.raises(RefusedError, match="reserved for internal use"):
            engine.send(Event(name="inngest/x"))
    with pytest.raises(RuntimeError, match="closed"):
        engine.send(ORDER)
    assert "closed" in repr(run)


def test_a_failure_tells_the_story(client: Inngest) -> None:
    @function(client, retries=1)
    def fn(ctx: ContextSync) -> str:
        ctx.step.sleep("a week", timedelta(days=7))
        ctx.logger.info("now")
        return ctx.step.run("pay", lambda: "paid")

    with VirtualEngine(client, [fn]) as engine:
        engine.stub("pay", ConnectionError("down"), "paid")
        run = engine.send(ORDER)
        with pytest.raises(RunStateError) as caught:
            _ = run.output
        assert "a week: sleeps until then" in str(caught.value)
        engine.advance(timedelta(days=7))
        assert "✗ pay (attempt 1): ConnectionError: down" in run.timeline()
        engine.finish(run)
        story = run.timeline().splitlines()
        assert "shop-fn  Completed" in story[0]
        assert 'started by "order/placed" {"cents": 5}' in story[1]
        assert [line.strip() for line in story[2:]] == [
            "+7d 0:00:00  ✓ a week: slept",
            "+7d 0:00:00    info: now",
            "+7d 0:00:00  ✗ pay (attempt 1): ConnectionError: down",
            "+7d 0:00:15    info: now",
            '+7d 0:00:15  ✓ pay (attempt 2): "paid"',
            '+7d 0:00:15  Completed: "paid"',
        ]


def test_nothing_is_left_behind(client: Inngest) -> None:
    @function(client)
    def fn(ctx: ContextSync) -> None: ...

    before = (client._http, client.logger, client.middleware, client.is_production)
    threads = set(threading.enumerate())
    engine = VirtualEngine(client, [fn])
    with pytest.raises(RuntimeError, match="under test already"):
        VirtualEngine(client, [fn])
    engine.send(ORDER)
    engine.close()
    engine.close()
    assert (client._http, client.logger, client.middleware, client.is_production) == before
    assert set(threading.enumerate()) <= threads
    with VirtualEngine(client, [fn]) as again:
        assert again.runs() == []


def test_code_that_raises_a_generator_exit_fails_its_attempt(client: Inngest) -> None:
    calls: list[int] = []

    @client.create_function(fn_id="odd", trigger=inngest.TriggerEvent(event=ORDER.name), retries=1)
    async def odd(ctx: Context) -> None:
        calls.append(ctx.attempt)
        raise GeneratorExit

    with VirtualEngine(client, [odd]) as engine:
        run = engine.send(ORDER)
        engine.finish(run)
        assert (run.status, calls) == ("Failed", [0, 1])


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "x", None])
def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout: a positive number of seconds"):
        VirtualEngine(timeout=timeout)


def test_a_run_of_a_closed_engine_says_so(client: Inngest) -> None:
    @function(client)
    def fn(_: ContextSync) -> None:
        return None

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
    with pytest.raises(RuntimeError, match="this engine is closed: look at its runs before"):
        _ = run.status


@pytest.mark.parametrize("span", [5, timedelta(seconds=-1), None])
def test_time_passes_by_a_length_of_time(span: Any) -> None:
    with VirtualEngine() as engine, pytest.raises(ValueError, match="timedelta"):
        engine.advance(span)


@pytest.mark.parametrize("event", [None, "user/created", {"name": "user/created"}])
def test_only_events_are_sent(event: Any) -> None:
    with VirtualEngine() as engine, pytest.raises(RefusedError, match=type(event).__name__):
        engine.send(event)


def test_it_stands_at_a_moment() -> None:
    start: Any = 5
    with pytest.raises(ValueError, match="start: a datetime"):
        VirtualEngine(start=start)


def test_threads_of_a_sync_function_take_turns_at_the_engine(client: Inngest) -> None:
    @function(client)
    def fan_out(ctx: ContextSync) -> bool:
        is_in, has_met = threading.Event(), threading.Event()

        def slow() -> bool:
            is_in.set()
            return has_met.wait(0.1)

        def send() -> bool:
            return engine._session.read(slow)

        def send_another() -> None:
            assert is_in.wait(60)
            engine._session.read(has_met.set)

        with ThreadPoolExecutor(2) as pool:
            met, another = pool.submit(send), pool.submit(send_another)
            another.result(60)
            return met.result(60)

    with VirtualEngine(client, [fan_out]) as engine:
        assert engine.send(ORDER).output is False


def test_a_thread_and_the_engine_take_turns(client: Inngest) -> None:
    """What a thread does in the engine's database is no part of what the test's thread does."""
    with VirtualEngine(client) as engine, ThreadPoolExecutor(1) as other:
        store, is_in = engine._session.engine.store, threading.Event()

        def fail() -> None:
            with store.transaction():
                is_in.set()
                threading.Event().wait(0.1)
                raise LookupError

        failing = other.submit(engine._session.read, fail)
        assert is_in.wait(60)
        engine.send(ORDER)
        assert isinstance(failing.exception(60), LookupError)
        assert [event.name for event in engine.events()] == ["order/placed"]


def test_a_client_is_told_that_the_database_cannot_be_used(client: Inngest) -> None:
    def is_full(_event: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    with VirtualEngine(client) as engine, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine._session.engine.store, "add_event", is_full)
        url = "http://127.0.0.1:8288/e/dev"
        answer = engine._session.answer(Request(method="POST", url=url, body=b'{"name":"x"}'))
    assert answer.status == 500
    assert b"cannot be used: database or disk is full" in answer.body


def test_a_thread_is_answered_whoever_waits_for_it(client: Inngest) -> None:
    """A function on the loop, one on the test's thread, and the test."""

    @function(client)
    def waits(ctx: ContextSync) -> None:
        with ThreadPoolExecutor(1) as other:
            other.submit(client.send_sync, Event(name="from/thread")).result(60)

    @client.create_function(fn_id="asks", trigger=TriggerEvent(event="from/loop"))
    async def asks(ctx: Context) -> None:
        await asyncio.to_thread(client.send_sync, Event(name="from/thread"))

    with VirtualEngine(client, [waits, asks], timeout=10) as engine, ThreadPoolExecutor(1) as other:
        for name in ("order/placed", "from/loop"):
            assert engine.send(Event(name=name)).status == "Completed"
        assert len(engine.events("from/thread")) == 2
        loop = engine._session.require_loop()
        states = iter([True])  # it is seen running, and stops before it does what it is asked
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "is_running", lambda: next(states, False))
            assert other.submit(engine._session.read, lambda: 1).result(60) == 1


def test_what_never_ends_is_given_up_in_a_test_with_a_loop(client: Inngest) -> None:
    @function(client)
    async def stuck(ctx: Context) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with AsyncVirtualEngine(client, [stuck], timeout=0.05) as engine:
            with pytest.raises(TimeoutError, match=r"nothing came to an end within 0.05 s"):
                await engine.send(ORDER)
            with pytest.raises(TimeoutError):
                await engine.advance(timedelta(days=1))

    asyncio.run(asyncio.wait_for(run(), 60))


def test_where_an_event_loop_runs_the_other_face_is_named(client: Inngest) -> None:
    @function(client)
    def fn(ctx: ContextSync) -> str:
        return "done"

    async def cell(engine: VirtualEngine) -> None:
        """As in a notebook, and in a test that is async."""
        for use in (lambda: VirtualEngine(client, [fn]), lambda: engine.send(ORDER)):
            with pytest.raises(RuntimeError, match="AsyncVirtualEngine is the engine for that"):
                use()

    with VirtualEngine() as engine:
        asyncio.run(cell(engine))
    with VirtualEngine(client, [fn]) as engine:
        assert engine.send(ORDER).output == "done"


def test_what_is_no_client_is_refused(client: Inngest) -> None:
    wrong: Any = "shop"
    with pytest.raises(RefusedError, match=r"an inngest\.Inngest is needed, not a str"):
        VirtualEngine(wrong, [])
