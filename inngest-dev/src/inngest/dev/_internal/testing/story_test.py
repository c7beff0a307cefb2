"""Who reads what a failed test says knows what to do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

import inngest
from inngest import Context, ContextSync, Event, Inngest, TriggerEvent
from inngest.dev.testing import AsyncVirtualEngine, RefusedError, RunStateError, VirtualEngine

ORDER = Event(name="order/placed", data={"cents": 5})
MINUTE = timedelta(minutes=1)


@pytest.fixture
def client() -> Iterator[Inngest]:
    client = Inngest(app_id="shop")
    yield client
    client.close()


def function(client: Inngest, **options: Any) -> inngest.Function[Any]:
    """Gives how many events it got."""

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name), **options)
    def fn(ctx: ContextSync) -> int:
        return len(ctx.events)

    return fn


@pytest.mark.parametrize(
    "options",
    [
        {"batch_events": inngest.Batch(max_size=9, timeout=MINUTE)},
        {"debounce": inngest.Debounce(period=MINUTE)},
    ],
    ids=["batch", "debounce"],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_run_that_starts_later_is_finished(
    client: Inngest, options: dict[str, Any], is_async: bool
) -> None:
    fn = function(client, **options)

    async def play() -> int:
        async with AsyncVirtualEngine(client, [fn]) as engine:
            run = await engine.send(ORDER)
            await engine.finish(run)
            return int(run.output)

    if is_async:
        assert asyncio.run(play()) == 1
        return
    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        with pytest.raises(RunStateError, match=r"has the event for another 0:01:00: advance"):
            _ = run.output
        with pytest.raises(RunStateError, match=r"started no run"):
            engine.finish(run, within=timedelta(seconds=59))
        engine.finish(run)
        assert run.output == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rate_limit": inngest.RateLimit(limit=1, period=MINUTE)}, "the rate limit or idempot"),
        ({"idempotency": "event.data.cents"}, "the rate limit or idempotency"),
        ({}, "an earlier event with this id"),
    ],
    ids=["rate limit", "idempotency", "id"],
)
def test_a_run_that_never_starts_is_told_with_what_may_be_against_it(
    client: Inngest, options: dict[str, Any], says: str
) -> None:
    event = ORDER.model_copy(update={"id": "o-1"})
    with VirtualEngine(client, [function(client, **options)]) as engine:
        engine.send(event)
        before, again = engine.now, engine.send(event)
        with pytest.raises(RunStateError, match=f"what may have prevented it: .*{says}") as caught:
            engine.finish(again)
        assert engine.now == before, "no time passes for what it does not bring about"
        assert "advance the clock" not in str(caught.value)


def test_a_singleton_that_runs_and_a_condition_are_named(client: Inngest) -> None:
    @client.create_function(
        fn_id="nap",
        trigger=TriggerEvent(event=ORDER.name, expression="event.data.cents > 1"),
        singleton=inngest.Singleton(mode="skip"),
    )
    def nap(ctx: ContextSync) -> None:
        ctx.step.sleep("nap", MINUTE)

    with VirtualEngine(client, [nap]) as engine:
        engine.send(ORDER)
        with pytest.raises(
            RunStateError,
            match=r"order/placed if event.data.cents > 1 \(.*: the trigger's condition, a run of",
        ):
            _ = engine.send(ORDER).output


def test_a_run_that_does_not_end_in_time_is_an_error(client: Inngest) -> None:
    @client.create_function(fn_id="nap", trigger=TriggerEvent(event=ORDER.name))
    def nap(ctx: ContextSync) -> None:
        while True:
            ctx.step.sleep("nap", timedelta(days=30))

    with VirtualEngine(client, [nap]) as engine:
        run = engine.send(ORDER)
        with pytest.raises(RunStateError, match=r"not ended within 100 days(.|\n)*sleeps until"):
            engine.finish(run, within=timedelta(days=100))


def test_a_function_that_is_not_there_is_said(client: Inngest) -> None:
    with VirtualEngine(client, [function(client)]) as engine:
        send = partial(engine.send, ORDER)
        for use in (engine.invoke, engine.runs, lambda name: send(function=name)):
            with pytest.raises(RefusedError, match='no function "fn"; there is shop-fn'):
                use("fn")


@pytest.mark.parametrize("use", ["advance", "finish"])
def test_a_step_cannot_wait_for_its_own_engine(client: Inngest, use: str) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name), retries=0)
    def fn(ctx: ContextSync) -> None:
        ctx.step.run("a", lambda: engine.advance(MINUTE) if use == "advance" else engine.finish())

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        assert "this engine is at work" in run.error.message
        engine.advance(MINUTE)


def test_what_a_run_waits_for_is_told(client: Inngest) -> None:
    @client.create_function(
        fn_id="fn",
        trigger=TriggerEvent(event=ORDER.name),
        throttle=inngest.Throttle(limit=1, period=MINUTE),
        retries=1,
    )
    def fn(ctx: ContextSync) -> None:
        raise ValueError("down")

    with VirtualEngine(client, [fn]) as engine:
        first, _, third = [engine.send(ORDER) for _ in range(3)]  # one more is the burst
        assert "+0:00:15  … the function: tried again then" in first.timeline()
        assert "… the function: waits for its turn, by the throttle" in third.timeline()
        ahead = round((engine.now + MINUTE).timestamp() * 1000)
        later = engine.send(ORDER.model_copy(update={"ts": ahead}))
        assert "+0:01:00  … the function: called then" in later.timeline()


def test_stubs_that_stood_in_for_nothing_are_told(client: Inngest) -> None:
    @client.create_function(fn_id="other")
    def other(ctx: ContextSync) -> str:
        return "called"

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> str:
        ctx.step.run("charge", lambda: "paid")
        return ctx.step.invoke("ask", function=other)

    with VirtualEngine(client, [fn, other]) as engine:
        engine.stub("chrage", "stub")
        engine.stub("ask", "stub")
        engine.stub("charge", "stub", function="fn")
        used = engine.stub("charge", "stub")
        engine.send(ORDER)
        story = engine.timeline().splitlines()
    assert len(used.calls) == 1
    assert 'the stub of "chrage" stood in for nothing; the steps were "charge", "ask"' in story
    assert any("serve one that answers" in line and '"ask"' in line for line in story)
    stubs = [line for line in story if 'stub of "charge"' in line]
    assert stubs == [
        'the stub of "charge" in fn stood in for nothing; the steps were "charge", "ask"'
    ]


def test_what_waits_brought_is_told_once_and_in_order(client: Inngest) -> None:
    @client.create_function(fn_id="full", retries=0)
    def full(ctx: ContextSync) -> None:
        raise inngest.NonRetriableError("no room")

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name), retries=0)
    def fn(ctx: ContextSync) -> None:
        ctx.step.send_event("tell", Event(name="order/told"))
        ctx.step.wait_for_event("never", event="never", timeout=MINUTE)
        ctx.step.invoke("book", function=full, data={"room": 1})

    with VirtualEngine(client, [fn, full]) as engine:
        run = engine.send(ORDER)
        engine.finish(run)
        lines = [line.strip() for line in run.timeline().splitlines()]
        assert lines[2:-1] == [
            '+0    sent "order/told" {}',
            f'+0  ✓ tell: ["{engine.events("order/told")[0].id}"]',
            "+0:01:00  ✓ never: waited for an event: none came in time",
            "+0:01:00  ✗ book: NonRetriableError: no room",
            "+0:01:00  ✗ the function (attempt 1): NonRetriableError: no room",
        ]
        assert 'invoked by shop-fn {"room": 1}' in engine.runs(full)[0].timeline()


def test_a_report_is_of_the_latest_runs(client: Inngest) -> None:
    with VirtualEngine(client, [function(client)]) as engine:
        for _ in range(4):
            engine.send(ORDER)
        assert engine.timeline().count("Completed: 1") == 4
        latest = engine.timeline(latest=3)
    assert latest.startswith("1 earlier runs are left out here\n")
    assert latest.count("Completed: 1") == 3


@pytest.mark.parametrize("is_async", [False, True])
def test_functions_that_start_themselves_are_stopped_and_named(
    client: Inngest, is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, looks = list[str](), itertools.count()

    def now() -> float:
        """The time of the engine's loop: after a few runs it goes on by a second with each look."""
        return 0.0 if len(runs) < 5 else float(next(looks))

    @client.create_function(fn_id="again", trigger=TriggerEvent(event=ORDER.name))
    def again(ctx: ContextSync) -> None:
        runs.append(ctx.run_id)
        client.send_sync(ORDER)

    async def play() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", now)
        async with AsyncVirtualEngine(client, [again]) as engine:
            await engine.send(ORDER)

    says = (
        r'within 30\.0 s; of \d+ runs, \d+ have not ended, the latest shop-again by "order/placed"'
    )
    if is_async:
        with pytest.raises(TimeoutError, match=says):
            asyncio.run(play())
        return
    with VirtualEngine(client, [again]) as engine:
        assert engine._pump is not None
        monkeypatch.setattr(engine._pump._loop, "time", now)
        with pytest.raises(TimeoutError, match=says):
            engine.send(ORDER)


def test_a_coroutine_that_was_not_awaited_is_named(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    async def fn(ctx: Context) -> Any:
        async def pay() -> int:
            return 1

        return ctx.step.run("pay", pay)

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        engine.finish(run)
        assert run.error.message.endswith("cannot be stored: it was not awaited")


def test_what_is_logged_is_told_between_the_steps_where_it_was(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> None:
        ctx.logger.info("before")
        ctx.step.run("a", lambda: ctx.logger.info("within"))
        ctx.logger.info("between")
        ctx.step.run("b", lambda: None)
        ctx.logger.info("after")

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        told = [line.partition("+0")[2].strip() for line in run.timeline().splitlines()[2:]]
    assert told == [
        "info: before", "info: within", "✓ a: null", "info: between", "✓ b: null", "info: after",
        "Completed",
    ]  # fmt: skip


def test_a_step_is_found_by_its_id_whatever_people_see(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> None:
        for n in range(2):
            ctx.step.run("a", abs, n, name="For people")

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        assert (run.step("a").output, run.step("a:1").output) == (0, 1)
        assert run.step("For people") == run.step("a")


def test_a_failure_is_told_by_its_name_and_message_whoever_tells_it(client: Inngest) -> None:
    known = {"error": {"name": "Told", "message": "no failure"}}

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name), retries=0)
    def fn(ctx: ContextSync) -> None:
        ctx.step.run("a", lambda: known)
        ctx.step.sleep("long", 400 * 24 * 60 * MINUTE)

    with VirtualEngine(client, [fn]) as engine:
        story = engine.send(ORDER).timeline()
    assert '✓ a: {"error": {"name": "Told", "message": "no failure"}}' in story
    assert "+0  Failed: InngestErrTimeoutTooLong: The sleep " in story
    assert story.endswith("sleeps may last at most one year.")


def test_a_message_of_several_lines_stays_in_its_column(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name), retries=0)
    def fn(ctx: ContextSync) -> None:
        raise AssertionError("wrong\nassert 5 == 6")

    with VirtualEngine(client, [fn]) as engine:
        *_, first, second = engine.send(ORDER).timeline().splitlines()
    assert first == f"{'+0':>14}  Failed: AssertionError: wrong"
    assert second == f"{'':16}assert 5 == 6"


def test_a_cancelled_run_tells_what_it_was_at(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> None:
        ctx.step.sleep("nap", MINUTE)

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        engine.cancel(run)
        assert [line.strip() for line in run.timeline().splitlines()[2:]] == [
            "+0  ✗ nap: cancelled",
            "+0  Cancelled",
        ]


def test_a_client_without_functions_sends(client: Inngest) -> None:
    with VirtualEngine(client) as engine:
        client.send_sync(ORDER)
        assert [(event.name, event.data) for event in engine.events()] == [(ORDER.name, ORDER.data)]
        assert engine.runs() == []
    with VirtualEngine() as engine:
        engine.serve(client, [])
        client.send_sync(ORDER)
        assert len(engine.events()) == 1
