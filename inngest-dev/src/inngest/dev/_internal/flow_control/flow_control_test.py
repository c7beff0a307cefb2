"""Which events start runs, and when: each option of a function, on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.flow_control.admission import Admission, Admitted, Blocked
from inngest.dev._internal.model.values import Gate
from inngest.dev._internal.protocol.answer import read_answer
from inngest.dev._internal.store.rows import dump
from inngest.dev._internal.store.runs import StoredRuns
from inngest.dev._internal.store.store import Store

SECOND = timedelta(seconds=1)
Work = Callable[[Engine], Awaitable[None]]


def data_of(app: App) -> list[list[Any]]:
    """What the runs were started with: `i` of each event of each first call."""
    first = [c for c in app.calls if not c["ctx"]["stack"]["stack"] and c["ctx"]["attempt"] == 0]
    return [[e["data"].get("i") for e in c["events"]] for c in first]


def statuses(engine: Engine) -> list[str]:
    return [run["status"] for run in reversed(engine.runs())]


def nap(length: str) -> Callable[[dict[str, Any], str], Answer]:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("nap") in body["steps"]:
            return 200, "rested"
        return 206, [op(length, "Sleep") | {"id": hashed("nap")}]

    return script


def done(body: dict[str, Any], target: str) -> Answer:
    return 200, body["event"]["data"].get("i")


def work(app: App, go: Work, **options: Any) -> None:
    async def limited() -> None:
        async with running(app, **options) as engine:
            await go(engine)

    bounded(limited)


# triggers


def test_every_function_that_is_triggered_gets_its_own_run(app: App) -> None:
    app.function(config("app-exact", "shop/order.paid"), done)
    app.function(config("app-wild", "shop/*"), done)
    app.function(config("app-dotted", "shop/order.*"), done)
    app.function(config("app-other", "shop/orders.*"), done)
    costly = [{"event": "shop/order.paid", "expression": "event.data.price > 10"}]
    app.function(config("app-costly", "", triggers=costly), done)

    async def go(engine: Engine) -> None:
        send(engine, "shop/order.paid", data={"price": 5})
        await engine.settle()
        first = {run["function_id"] for run in engine.runs()}
        assert first == {"app-exact", "app-wild", "app-dotted"}
        event_id = send(engine, "shop/order.paid", data={"price": 50})
        await engine.settle()
        started = {run["function_id"] for run in engine.runs() if run["event_id"] == event_id}
        assert started == first | {"app-costly"}

    work(app, go)


def test_one_event_id_starts_a_function_once_a_day(app: App) -> None:
    app.function(config("app-fn", "x"), done)

    async def go(engine: Engine) -> None:
        for _ in range(2):
            send(engine, "x", id="same")
        await engine.settle()
        assert len(engine.runs()) == 1
        await engine.advance(timedelta(hours=24))
        send(engine, "x", id="same")
        await engine.settle()
        assert len(engine.runs()) == 2

    work(app, go)


def test_a_future_ts_delays_the_start(app: App) -> None:
    app.function(config("app-fn", "x"), done)

    async def go(engine: Engine) -> None:
        send(engine, "x", ts=engine.clock.now() + 5000)
        await engine.advance(4.9 * SECOND)
        assert app.calls == []
        await engine.advance(0.1 * SECOND)
        assert len(app.calls) == 1

    work(app, go)


# batches


def test_a_batch_starts_when_it_is_full_and_when_its_time_is_over(app: App) -> None:
    batch = {"maxSize": 3, "timeout": "3s", "key": "event.data.k"}
    app.function(config("app-fn", "x", batchEvents=batch), done)

    async def go(engine: Engine) -> None:
        ids = [send(engine, "x", data={"i": i, "k": "a" if i != 1 else "b"}) for i in range(5)]
        await engine.settle()
        assert data_of(app) == [[0, 2, 3]]
        await engine.advance(2.9 * SECOND)
        assert len(app.calls) == 1
        await engine.advance(0.1 * SECOND)
        assert data_of(app)[1:] == [[1], [4]]
        of_member = [run.id for run in engine.store.runs(event_id=ids[3])]
        assert of_member == [app.calls[0]["ctx"]["run_id"]]
        assert engine.store.runs(event_id=ids[0])[0].id == of_member[0]

    work(app, go)


def test_what_a_batch_remembers_for_an_event_does_not_grow_with_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may be in one."""
    batch = {"maxSize": 150, "timeout": "60s"}
    app.function(config("app-fn", "x", batchEvents=batch), lambda b, t: (200, len(b["events"])))
    sizes: list[int] = []

    async def go() -> None:
        async with running(app) as engine:
            store = engine.store

            def save_gate(gate: Gate) -> None:
                sizes.append(len(dump(gate.state)))
                Store.save_gate(store, gate)

            monkeypatch.setattr(store, "save_gate", save_gate)
            for _ in range(350):
                send(engine, "x")
            await engine.settle()
            assert [run["output"] for run in engine.runs()] == [150, 150]
            assert max(sizes) < 100
            await engine.advance(60 * SECOND)
            assert engine.runs()[0]["output"] == 50

    bounded(go)


def test_an_event_that_is_not_to_be_batched_runs_alone_at_once(app: App) -> None:
    batch = {"maxSize": 3, "timeout": "3s", "if": "event.data.batch == true"}
    app.function(config("app-fn", "x", batchEvents=batch), done)

    async def go(engine: Engine) -> None:
        for i, batched in enumerate((True, False, True)):
            send(engine, "x", data={"i": i, "batch": batched})
        await engine.settle()
        assert data_of(app) == [[1]]
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[1], [0, 2]]

    work(app, go)


# debounce


def test_a_debounce_starts_one_run_with_the_last_event_of_each_key(app: App) -> None:
    debounce = {"period": "2s", "key": "event.data.k"}
    app.function(config("app-fn", "x", debounce=debounce), done)

    async def go(engine: Engine) -> None:
        for i in range(3):
            send(engine, "x", data={"i": i, "k": "a"})
            await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 9, "k": "b"})
        await engine.advance(1 * SECOND)
        assert data_of(app) == [[2]]
        await engine.advance(1 * SECOND)
        assert data_of(app) == [[2], [9]]
        assert len(engine.runs()) == 2

    work(app, go)


def test_a_debounce_waits_no_longer_than_its_timeout(app: App) -> None:
    app.function(config("app-fn", "x", debounce={"period": "3s", "timeout": "5s"}), done)

    async def go(engine: Engine) -> None:
        for i in range(9):
            send(engine, "x", data={"i": i})
            await engine.advance(1.001 * SECOND)
        assert data_of(app) == [[4]]
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[4], [8]]

    work(app, go)


def test_one_event_id_starts_a_debounced_function_once_whatever_its_keys_are(app: App) -> None:
    debounce = {"period": "10s", "key": "event.data.k"}
    app.function(config("app-fn", "x", debounce=debounce), done)

    async def go(engine: Engine) -> None:
        for i, key in enumerate("ab"):
            send(engine, "x", id="same", data={"i": i, "k": key})
            await engine.advance(SECOND)
        await engine.advance(60 * SECOND)
        assert data_of(app) == [[0]]

    work(app, go)


# limits of how often


def test_a_rate_limit_drops_what_comes_too_early(app: App) -> None:
    limit = {"limit": 2, "period": "5s", "key": "event.data.k"}
    app.function(config("app-fn", "x", rateLimit=limit), done)

    async def go(engine: Engine) -> None:
        for i in range(4):
            send(engine, "x", data={"i": i, "k": "a"})
        send(engine, "x", data={"i": 7, "k": "b"})
        await engine.settle()
        assert data_of(app) == [[0], [7]]
        await engine.advance(6 * SECOND)
        assert len(app.calls) == 2, "what was dropped is lost"
        send(engine, "x", data={"i": 10, "k": "a"})
        await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 11, "k": "a"})
        await engine.settle()
        assert data_of(app)[2:] == [[10]]

    work(app, go)


def test_an_idempotency_key_starts_one_run_a_day(app: App) -> None:
    settings = config(
        "app-fn", "x", idempotency="event.data.id", rateLimit={"limit": 9, "period": "1s"}
    )
    app.function(settings, done)

    async def go(engine: Engine) -> None:
        for i, key in enumerate("xxy"):
            send(engine, "x", data={"i": i, "id": key})
        await engine.settle()
        assert data_of(app) == [[0], [2]]
        await engine.advance(timedelta(hours=24))
        send(engine, "x", data={"i": 3, "id": "x"})
        await engine.settle()
        assert data_of(app)[2:] == [[3]]

    work(app, go)


@pytest.mark.parametrize(
    ("throttle", "starts"),
    [
        ({"limit": 1, "period": "3s"}, [0, 3, 6, 9]),
        ({"limit": 1, "period": "3s", "burst": 2}, [0, 0, 0, 3]),
        ({"limit": 2, "period": "4s"}, [0, 0, 2, 4]),
    ],
)
def test_a_throttle_delays_starts(app: App, throttle: dict[str, Any], starts: list[int]) -> None:
    app.function(config("app-fn", "x", throttle=throttle), nap("1s"))

    async def go(engine: Engine) -> None:
        begin = engine.clock.now()
        for i in range(4):
            send(engine, "x", data={"i": i})
        await engine.advance(20 * SECOND)
        runs = sorted(engine.store.runs(), key=lambda run: run.started_at or 0)
        assert [((run.started_at or 0) - begin) / 1000 for run in runs] == starts
        assert statuses(engine) == ["Completed"] * 4

    work(app, go)


def test_a_throttle_does_not_hold_up_other_keys(app: App) -> None:
    throttle = {"limit": 1, "period": "1h", "key": "event.data.k"}
    app.function(config("app-fn", "x", throttle=throttle), done)

    async def go(engine: Engine) -> None:
        for i, key in enumerate("aaab"):
            send(engine, "x", data={"i": i, "k": key})
        await engine.settle()
        assert data_of(app) == [[0], [3]]

    work(app, go)


# concurrency


class Slow:
    """Calls that last until they are told to end."""

    def __init__(self) -> None:
        self.under_way: list[Any] = []
        self.most = 0
        self.gates: dict[Any, asyncio.Event] = {}
        self.answer: Answer = (200, None)
        self.changed = asyncio.Event()

    async def __call__(self, body: dict[str, Any], target: str) -> Answer:
        name = body["event"]["data"]["i"]
        self.under_way.append(name)
        self.most = max(self.most, len(self.under_way))
        self.changed.set()
        await self.gates.setdefault(name, asyncio.Event()).wait()
        self.under_way.remove(name)
        self.changed.set()
        return self.answer

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self.changed.clear()
            await self.changed.wait()

    async def started(self, *names: Any) -> None:
        await self.until(lambda: set(self.under_way) == set(names))

    def finish(self, name: Any) -> None:
        self.gates[name].set()


def test_concurrency_limits_the_calls_of_a_function(app: App) -> None:
    slow = Slow()
    app.function(config("app-fn", "x", concurrency=2), slow)

    async def go(engine: Engine) -> None:
        for i in range(3):
            send(engine, "x", data={"i": i})
        await slow.started(0, 1)
        slow.finish(1)
        await slow.started(0, 2)
        for name in (0, 2):
            slow.finish(name)
        await engine.settle()
        assert statuses(engine) == ["Completed"] * 3
        assert slow.most == 2

    work(app, go)


def test_a_concurrency_key_makes_lanes(app: App) -> None:
    slow = Slow()
    limits = [{"limit": 1, "key": "event.data.k"}, {"limit": 2}]
    app.function(config("app-fn", "x", concurrency=limits), slow)

    async def go(engine: Engine) -> None:
        for i, key in enumerate(("a", "a", "b", "c")):
            send(engine, "x", data={"i": i, "k": key})
        await slow.started(0, 2)  # 1 waits for its key, 3 for the function
        slow.finish(0)
        await slow.started(2, 1)
        slow.finish(2)
        await slow.started(1, 3)
        for name in (1, 3):
            slow.finish(name)
        await engine.settle()
        assert slow.most == 2

    work(app, go)


def test_functions_of_one_environment_share_a_key(app: App) -> None:
    slow = Slow()
    limit = [{"limit": 1, "key": "event.data.k", "scope": "env"}]
    app.function(config("app-one", "one", concurrency=limit), slow)
    app.function(config("app-two", "two", concurrency=limit), slow)

    async def go(engine: Engine) -> None:
        send(engine, "one", data={"i": 0, "k": "a"})
        send(engine, "two", data={"i": 1, "k": "a"})
        send(engine, "two", data={"i": 2, "k": "b"})
        await slow.started(0, 2)
        slow.finish(0)
        await slow.started(1, 2)
        for name in (1, 2):
            slow.finish(name)
        await engine.settle()

    work(app, go)


def test_a_sleeping_run_holds_no_place_among_calls(app: App) -> None:
    app.function(config("app-fn", "x", concurrency=1), nap("1h"))

    async def go(engine: Engine) -> None:
        for i in range(3):
            send(engine, "x", data={"i": i})
        await engine.settle()
        assert statuses(engine) == ["Running"] * 3

    work(app, go)


def test_a_limit_of_whole_runs_holds_while_they_sleep(app: App) -> None:
    app.function(config("app-fn", "x", concurrency={"fn": [{"limit": 1}]}), nap("1h"))

    async def go(engine: Engine) -> None:
        for i in range(2):
            send(engine, "x", data={"i": i})
        await engine.settle()
        assert statuses(engine) == ["Running", "Scheduled"]
        await engine.advance(timedelta(hours=1))
        assert statuses(engine) == ["Completed", "Running"]
        await engine.advance(timedelta(hours=1))
        assert statuses(engine) == ["Completed", "Completed"]

    work(app, go)


def test_limits_of_runs_and_of_calls_have_places_of_their_own(app: App) -> None:
    both = {"fn": [{"limit": 1}], "step": [{"limit": 1}]}
    app.function(config("app-fn", "x", concurrency=both), nap("1h"))

    async def go(engine: Engine) -> None:
        for i in range(3):
            send(engine, "x", data={"i": i})
        await engine.settle()
        assert statuses(engine) == ["Running", "Scheduled", "Scheduled"]
        await engine.advance(timedelta(hours=3))
        assert statuses(engine) == ["Completed"] * 3

    work(app, go)


def test_of_two_limits_of_the_same_calls_the_lower_one_counts(app: App) -> None:
    slow = Slow()
    limits = [{"limit": 3}, {"limit": 2}]
    app.function(config("app-fn", "x", concurrency=limits), slow)

    async def go(engine: Engine) -> None:
        for i in range(5):
            send(engine, "x", data={"i": i})
        for first in range(4):
            await slow.started(first, first + 1)
            slow.finish(first)
        await slow.started(4)
        slow.finish(4)
        await engine.settle()
        assert slow.most == 2
        assert statuses(engine) == ["Completed"] * 5

    work(app, go)


def test_priority_orders_what_waits(app: App) -> None:
    slow = Slow()
    settings = config("app-fn", "x", concurrency=1, priority={"run": "event.data.p"})
    app.function(settings, slow)

    async def go(engine: Engine) -> None:
        order: list[int] = []
        for i, priority in enumerate((0, 0, 120, -120, "high")):
            send(engine, "x", data={"i": i, "p": priority})
        while len(order) < 5:
            await slow.until(lambda: any(name not in order for name in slow.under_way))
            (name,) = slow.under_way
            order.append(name)
            slow.finish(name)
        assert order == [2, 0, 1, 4, 3]

    work(app, go)


def test_many_blocked_runs_do_not_hold_up_another_function(app: App) -> None:
    slow = Slow()
    app.function(config("app-slow", "slow", concurrency=1), slow)
    app.function(config("app-fn", "x"), done)

    async def go(engine: Engine) -> None:
        for i in range(450):
            send(engine, "slow", data={"i": i})
        event_id = send(engine, "x", data={"i": "quick"})
        assert (await engine.wait_for_run(event_id))["status"] == "Completed"
        assert len(slow.under_way) == 1

    work(app, go, concurrency=3)


# limits together


def shared(**fields: Any) -> dict[str, Any]:
    """One call at a time of each key, whatever the function."""
    return {"concurrency": [{"limit": 1, "key": "event.data.k", "scope": "env"}], **fields}


RARELY = {"limit": 1, "period": "1h"}


def rare_and_often(app: App) -> Slow:
    """Two functions in one lane; the first starts once an hour."""
    slow = Slow()
    app.function(config("app-rare", "rare", **shared(throttle=RARELY)), slow)
    app.function(config("app-fn", "x", **shared()), slow)
    return slow


async def parked(engine: Engine, count: int) -> None:
    """Wait until so many calls wait for a place."""
    for _ in range(1000):
        if len(engine.store.all("SELECT 1 FROM items WHERE parked IS NOT NULL")) == count:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"never parked: {count}")


def test_who_waits_for_a_throttle_holds_up_no_others_of_its_lane(app: App) -> None:
    slow = rare_and_often(app)

    async def go(engine: Engine) -> None:
        send(engine, "rare", data={"i": 0, "k": "a"})
        await slow.started(0)
        send(engine, "rare", data={"i": 1, "k": "a"})
        send(engine, "x", data={"i": 2, "k": "a"})
        slow.finish(0)
        await slow.started(2)  # 1 was first in the lane, but not yet to be started

    work(app, go)


def test_who_waits_for_its_lane_holds_up_no_others_of_its_throttle(app: App) -> None:
    slow = rare_and_often(app)

    async def go(engine: Engine) -> None:
        send(engine, "rare", data={"i": 0, "k": "a"})
        await slow.started(0)
        for i, key in ((1, "b"), (2, "c")):
            send(engine, "rare", data={"i": i, "k": key})
        await parked(engine, 2)
        send(engine, "x", data={"i": 3, "k": "b"})
        await slow.started(0, 3)
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.advance(timedelta(hours=1))
        await slow.started(0, 3, 2)  # 1 was first at the throttle, but its lane is full

    work(app, go)


def crossed(first: int, second: int) -> dict[str, Any]:
    """Limits of two lanes that all functions of the environment share."""
    limits = ((first, "event.data.k"), (second, "event.data.l"))
    return {"concurrency": [{"limit": n, "key": key, "scope": "env"} for n, key in limits]}


def test_functions_that_wait_at_each_others_limits_wait_at_rest(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, asked = Slow(), list[str]()
    app.function(config("app-one", "one", **crossed(1, 5)), slow)
    app.function(config("app-other", "other", **crossed(5, 1)), slow)

    def counted(admission: Admission, job_id: str, *args: Any) -> Admitted | Blocked:
        asked.append(job_id)
        return admit(admission, job_id, *args)

    admit = Admission.admit
    monkeypatch.setattr(Admission, "admit", counted)

    async def go(engine: Engine) -> None:
        send(engine, "one", data={"i": 0})
        await slow.started(0)
        for i in (1, 3):
            send(engine, "one", data={"i": i})
            send(engine, "other", data={"i": i + 1})
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(asked) == 5
        slow.finish(0)
        await slow.started(1)
        slow.finish(1)
        await slow.started(2)
        slow.finish(2)
        await slow.started(3)
        slow.finish(3)
        await slow.started(4)

    work(app, go)


def test_a_place_goes_to_whoever_may_take_it_by_a_limit_of_its_own(app: App) -> None:
    slow = Slow()
    slow.answer = (206, [op("1h", "Sleep")])
    app.function(config("app-one", "one", **crossed(1, 5)), slow)
    app.function(config("app-two", "two", **crossed(2, 5)), slow)

    async def go(engine: Engine) -> None:
        for i in (0, 1):
            send(engine, "two", data={"i": i})
        await slow.started(0, 1)
        send(engine, "one", data={"i": 2})
        send(engine, "two", data={"i": 3})
        await parked(engine, 2)
        slow.finish(0)
        await slow.started(1, 3)  # 2 was first, and may not go beside another

    work(app, go)


def cancelled(engine: Engine, run_id: str) -> None:
    engine.cancel(run_id)


def answered(engine: Engine, run_id: str) -> None:
    """By a worker that had been given up."""
    headers = {"x-inngest-sdk": "test:v1", "x-inngest-req-version": "2"}
    body = json.dumps([op("1h", "Sleep")]).encode()
    answer = read_answer(206, headers, body, engine.clock.now())
    engine._settle(run_id, lambda item: True, answer)


@pytest.mark.parametrize("no_more", [cancelled, answered])
@pytest.mark.parametrize("limit", [{"concurrency": 1}, {"throttle": RARELY}])
def test_a_place_that_a_call_was_about_to_take_is_not_lost_with_the_call(
    app: App, limit: dict[str, Any], no_more: Callable[[Engine, str], None]
) -> None:
    slow = Slow()
    app.function(config("app-fn", "x", **limit), slow)
    app.function(config("app-first", "first", priority={"run": "120"}), slow)

    async def go(engine: Engine) -> None:
        send(engine, "x", data={"i": 0})
        await slow.started(0)
        next_ones = [send(engine, "x", data={"i": i}) for i in (1, 2)]
        send(engine, "x", data={"i": 5})
        await parked(engine, 3)
        send(engine, "first", data={"i": 3})
        await slow.started(0, 3)
        send(engine, "first", data={"i": 4})
        slow.finish(0)
        await slow.started(3, 4)
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.advance(timedelta(hours=1))
        await parked(engine, 1)  # there is a place for 1 or 2 now, but no room to call them
        for event_id in next_ones:
            (run,) = engine.store.runs(event_id=event_id)
            no_more(engine, run.id)
        slow.finish(3)
        await slow.started(4, 5)

    work(app, go, concurrency=2)


# singletons


def test_a_singleton_skips_while_a_run_of_its_key_is_active(app: App) -> None:
    singleton = {"mode": "skip", "key": "event.data.k"}
    app.function(config("app-fn", "x", singleton=singleton), nap("3s"))

    async def go(engine: Engine) -> None:
        for i, key in enumerate((1, 1, 2)):
            send(engine, "x", data={"i": i, "k": key})
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[0], [2]]
        send(engine, "x", data={"i": 3, "k": 1})
        await engine.settle()
        assert data_of(app)[2:] == [[3]]

    work(app, go)


def test_a_singleton_cancels_the_active_run(app: App) -> None:
    app.function(config("app-fn", "x", singleton={"mode": "cancel"}), nap("3s"))

    async def go(engine: Engine) -> None:
        send(engine, "x", data={"i": 0})
        await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 1})
        await engine.settle()
        assert statuses(engine) == ["Cancelled", "Running"]
        await engine.advance(3 * SECOND)
        assert statuses(engine) == ["Cancelled", "Completed"]

    work(app, go)


def test_a_singleton_looks_at_no_run_of_another_key(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.function(
        config("app-fn", "x", singleton={"mode": "skip", "key": "event.data.i"}), nap("1h")
    )

    async def go(engine: Engine) -> None:
        monkeypatch.delattr(StoredRuns, "active_runs")
        for i in (1, 2, 1):
            send(engine, "x", data={"i": i})
        await engine.settle()
        assert data_of(app) == [[1], [2]]

    work(app, go)


# timeouts


@pytest.mark.parametrize(("which", "calls"), [("start", 0), ("finish", 1)])
def test_a_run_whose_time_ended_while_the_engine_was_down_is_not_called(
    app: App, tmp_path: Path, which: str, calls: int
) -> None:
    slow, clock, path = Slow(), VirtualClock(), str(tmp_path / "runs.db")
    app.function(config("app-fn", "x", timeouts={which: "1m"}), slow)

    async def go() -> None:
        async with running(app, db=path, clock=clock) as engine:
            later = 10_000 if which == "start" else 0
            send(engine, "x", data={"i": 0}, ts=clock.now() + later)
            if calls:
                await slow.started(0)
        clock.advance(timedelta(hours=1))
        slow.gates[0] = asyncio.Event()
        slow.finish(0)
        async with running(app, db=path, clock=clock) as engine:
            await engine.settle()
            assert statuses(engine) == ["Cancelled"]

    bounded(go)
    assert len(app.calls) == calls


def test_a_run_that_lasts_too_long_is_cancelled(app: App) -> None:
    app.function(config("app-fn", "x", timeouts={"finish": "3s", "start": "zz"}), nap("20s"))

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.advance(2.9 * SECOND)
        assert statuses(engine) == ["Running"]
        await engine.advance(0.1 * SECOND)
        assert statuses(engine) == ["Cancelled"]
        await engine.advance(20 * SECOND)
        assert len(app.calls) == 1

    work(app, go)


def test_a_run_is_cancelled_while_its_call_is_under_way(app: App) -> None:
    slow = Slow()
    app.function(config("app-fn", "x", timeouts={"finish": "2s"}), slow)

    async def go(engine: Engine) -> None:
        event_id = send(engine, "x", data={"i": 0})
        await slow.started(0)
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.advance(2 * SECOND)
        run = await engine.wait_for_run(event_id)
        assert run["status"] == "Cancelled"
        slow.finish(0)
        await engine.settle()
        assert engine.history(run["run_id"]) is not None
        assert statuses(engine) == ["Cancelled"]

    work(app, go)


def test_a_run_that_waits_too_long_for_its_start_is_never_called(app: App) -> None:
    settings = config("app-fn", "x", throttle={"limit": 1, "period": "1h"})
    app.function(settings | {"timeouts": {"start": "2s"}}, nap("10s"))

    async def go(engine: Engine) -> None:
        for i in range(2):
            send(engine, "x", data={"i": i})
        await engine.advance(2 * SECOND)
        assert statuses(engine) == ["Running", "Cancelled"]
        assert data_of(app) == [[0]]

    work(app, go)


# cancellation


def test_an_event_cancels_the_runs_that_it_is_about(app: App) -> None:
    cancel = [
        {"event": "stop", "if": "event.data.id == async.data.id"},
        {"event": "late", "timeout": "1s"},
    ]
    app.function(config("app-fn", "x", cancel=cancel), nap("1h"))
    app.function(config("app-obs", "inngest/function.cancelled"), done)

    async def go(engine: Engine) -> None:
        first, second = (send(engine, "x", data={"id": i}) for i in (1, 2))
        await engine.advance(2 * SECOND)
        send(engine, "late")
        send(engine, "stop", data={"id": 2})
        await engine.settle()
        assert engine.store.runs(event_id=first)[0].status == "Running"
        (run,) = engine.store.runs(event_id=second)
        assert run.status == "Cancelled"
        (told,) = [c["event"] for c in app.calls if c["event"]["name"].startswith("inngest/")]
        assert told["id"] == told["data"]["run_id"] == run.id
        assert told["data"]["_inngest"] == {"status": "Cancelled"}
        assert not {"result", "error"} & set(told["data"])

    work(app, go)


def test_its_own_trigger_does_not_cancel_a_run_but_the_next_one_does(app: App) -> None:
    app.function(config("app-fn", "x", cancel=[{"event": "x"}]), nap("1h"))

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.settle()
        assert statuses(engine) == ["Running"]
        send(engine, "x")
        await engine.settle()
        assert statuses(engine) == ["Cancelled", "Running"]

    work(app, go)


def test_an_event_that_ends_a_wait_and_cancels_the_run_cancels_it(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        return 206, [op("w", "WaitForEvent", opts={"event": "y", "timeout": "1h"})]

    app.function(config("app-fn", "x", cancel=[{"event": "y"}]), script)

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.settle()
        send(engine, "y")
        await engine.settle()
        assert statuses(engine) == ["Cancelled"]
        assert len(app.calls) == 1

    work(app, go)


# cron


def start_of(year: int, month: int, day: int) -> VirtualClock:
    moment = datetime(year, month, day, tzinfo=timezone.utc)
    return VirtualClock(round(moment.timestamp() * 1000))


def test_cron_starts_its_function_at_each_tick(app: App) -> None:
    trigger = [{"cron": "TZ=Europe/Paris 0 9 * * *"}, {"event": "manual"}]
    app.function(config("app-fn", "", triggers=trigger), lambda b, t: (200, b["event"]))
    app.function(config("app-other", "inngest/scheduled.timer"), done)

    async def go(engine: Engine) -> None:
        await engine.advance(timedelta(days=2))
        runs = [run for run in reversed(engine.runs()) if run["function_id"] == "app-fn"]
        assert [run["started_at"] for run in runs] == [
            "2026-01-01T08:00:00.000Z",
            "2026-01-02T08:00:00.000Z",
        ]
        assert runs[0]["output"]["name"] == "inngest/scheduled.timer"
        assert runs[0]["output"]["data"] == {
            "cron": "TZ=Europe/Paris 0 9 * * *",
            "scheduledAt": "2026-01-01T08:00:00Z",
            "fireAt": "2026-01-01T08:00:00Z",
        }
        assert len(engine.runs()) == 4, "others may listen to the timer"

    work(app, go, clock=start_of(2026, 1, 1))


def test_registering_again_keeps_the_timers_and_drops_those_that_are_gone(app: App) -> None:
    app.function(config("app-fn", "", triggers=[{"cron": "0 * * * *"}]), done)

    async def go(engine: Engine) -> None:
        await engine.advance(timedelta(minutes=30))
        body = {"appName": "app", "url": "http://app.test", "functions": app.configs}
        engine.register(body)
        await engine.advance(timedelta(minutes=30))
        assert len(engine.runs()) == 1
        engine.register(body | {"functions": [config("app-fn", "x")]})
        await engine.advance(timedelta(hours=5))
        assert len(engine.runs()) == 1

    work(app, go, clock=start_of(2026, 1, 1))


def test_an_automatic_clock_runs_for_runs_but_not_for_cron_alone(app: App) -> None:
    app.function(config("app-cron", "", triggers=[{"cron": "0 * * * *"}]), done)
    app.function(config("app-fn", "x"), nap("150m"))
    moment = round(datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp() * 1000)

    async def go(engine: Engine) -> None:
        await engine.settle()
        assert engine.clock.now() == moment
        event_id = send(engine, "x")
        assert (await engine.wait_for_run(event_id))["output"] == "rested"
        await engine.settle()
        assert engine.clock.now() == moment + 150 * 60_000
        ticks = [run for run in engine.runs() if run["function_id"] == "app-cron"]
        assert len(ticks) == 2

    work(app, go, clock=VirtualClock(moment, auto=True))


# the end of the process


def test_what_is_collected_and_timed_survives_a_restart(app: App, tmp_path: Path) -> None:
    file, clock = str(tmp_path / "engine.db"), start_of(2026, 1, 1)
    app.function(config("app-batch", "b", batchEvents={"maxSize": 9, "timeout": "1m"}), done)
    app.function(config("app-debounce", "d", debounce={"period": "1m"}), done)
    app.function(config("app-rate", "r", rateLimit={"limit": 1, "period": "1h"}), done)
    app.function(config("app-throttle", "t", throttle={"limit": 1, "period": "1m"}), done)
    app.function(config("app-cron", "", triggers=[{"cron": "1 0 * * *"}]), done)
    app.function(config("app-finish", "f", timeouts={"finish": "30s"}), nap("1h"))
    wait = op("w", "WaitForEvent", opts={"event": "w", "timeout": "1h", "if": "async.data.i == 2"})

    def waiter(body: dict[str, Any], target: str) -> Answer:
        return (200, body["steps"][hashed("w")]["data"]) if body["steps"] else (206, [wait])

    app.function(config("app-wait", "go"), waiter)

    async def before(engine: Engine) -> None:
        for name in ("b", "b", "d", "d", "r", "t", "t", "f", "go"):
            send(engine, name, data={"i": len(app.calls)})
            await engine.settle()

    async def after(engine: Engine) -> None:
        send(engine, "r")
        send(engine, "w", data={"i": 1})
        send(engine, "w", data={"i": 2})
        await engine.advance(timedelta(minutes=1))
        ended: dict[str, list[str]] = {}
        for run in engine.runs():
            ended.setdefault(run["function_id"].removeprefix("app-"), []).append(run["status"])
        assert ended == {
            "batch": ["Completed"],
            "debounce": ["Completed"],
            "rate": ["Completed"],
            "throttle": ["Completed"] * 2,
            "cron": ["Completed"],
            "finish": ["Cancelled"],
            "wait": ["Completed"],
        }
        (batch,) = [c for c in app.calls if len(c["events"]) == 2]
        assert [e["name"] for e in batch["events"]] == ["b", "b"]

    work(app, before, db=file, clock=clock)
    configs, app.configs = app.configs, []  # nothing is registered anew
    work(app, after, db=file, clock=clock)
    assert configs
