"""Throttle, concurrency and priority: which calls are made when, on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import App, config, op, send
from inngest.dev._internal.flow_control.admission import Admission, Admitted, Blocked
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    Slow,
    data_of,
    done,
    nap,
    statuses,
    work,
)
from inngest.dev._internal.protocol.answer import read_answer


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
