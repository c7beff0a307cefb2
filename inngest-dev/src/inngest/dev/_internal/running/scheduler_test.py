"""What ends at once needs no task; what fails does not hold up the rest."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from inngest.dev._internal.clock import RealClock, VirtualClock
from inngest.dev._internal.conftest import bounded
from inngest.dev._internal.model.values import Item
from inngest.dev._internal.running.scheduler import Scheduler


def item(job_id: str) -> Item:
    return Item(job_id=job_id, run_id="run", kind="sleep", step_id="s", due=0)


class Work:
    """A queue and its executor: each item that ends brings the next one."""

    def __init__(self, *jobs: str) -> None:
        self.jobs = list(jobs)
        self.done: list[str] = []
        self.left: list[str] = []
        self.broken: set[str] = set()
        self.error: BaseException = ZeroDivisionError()

    def ready(self, now: int, busy: list[str], limit: int) -> list[Item]:
        if "ready" in self.broken:
            self.broken.discard("ready")
            raise self.error
        jobs = [job for job in self.jobs if job not in busy]
        found = jobs[: min(limit, 1)]
        if limit < 2 and not any(job.startswith("timer") for job in found):
            found += [job for job in jobs if job.startswith("timer")][:1]
        return [item(job) for job in found]

    def next_due(self, after: int, busy: list[str]) -> int | None:
        return None

    def has_work(self) -> bool:
        return False

    def unpark_due(self) -> None: ...

    def admit(self, item: Item) -> bool:
        if "admit" in self.broken:
            self.broken.discard("admit")
            raise self.error
        return True

    def execute(self, item: Item) -> Coroutine[Any, Any, None] | None:
        if item.job_id in self.broken:
            self.broken.discard(item.job_id)
            if item.job_id.startswith("call"):
                return self.raises(self.error)
            raise ZeroDivisionError
        if item.job_id.startswith("call"):
            return self.call(item.job_id)
        self.end(item.job_id)
        return None

    async def raises(self, error: BaseException) -> None:
        await asyncio.sleep(0)
        raise error

    async def call(self, job: str) -> None:
        await asyncio.sleep(0)
        self.end(job)

    def end(self, job: str) -> None:
        self.jobs.remove(job)
        self.done.append(job)

    def leave(self, item: Item) -> None:
        self.left.append(item.job_id)

    def next_chance(self) -> int | None:
        return None


def play(work: Work) -> None:
    async def run() -> None:
        scheduler = Scheduler(work, VirtualClock(0), work)
        scheduler.start()
        scheduler.wake()
        await scheduler.settle()
        await scheduler.stop()

    bounded(run)


def test_timers_and_calls_are_done_in_their_order_before_it_rests() -> None:
    work = Work("timer 1", "timer 2", "call 1", "timer 3", "call 2")
    play(work)
    assert work.done == work.left == ["timer 1", "timer 2", "call 1", "timer 3", "call 2"]


class Delayed(Work):
    """Its items fall due at a moment."""

    def __init__(self, due: int, *jobs: str) -> None:
        super().__init__(*jobs)
        self.due = due
        self.over = asyncio.Event()

    def ready(self, now: int, busy: list[str], limit: int) -> list[Item]:
        return super().ready(now, busy, limit) if now >= self.due else []

    def next_due(self, after: int, busy: list[str]) -> int | None:
        return self.due if self.jobs and after < self.due else None

    def leave(self, item: Item) -> None:
        self.over.set()


class Passing(RealClock):
    """A clock by which a millisecond passes between any two looks."""

    def __init__(self) -> None:
        self.moment = 0

    def now(self) -> int:
        self.moment += 1
        return self.moment


@pytest.mark.parametrize("due", range(6))
def test_what_falls_due_between_two_looks_at_the_clock_is_done(due: int) -> None:
    work = Delayed(due, "timer 1")

    async def run() -> None:
        scheduler = Scheduler(work, Passing(), work)
        scheduler.start()
        await work.over.wait()
        await scheduler.stop()

    bounded(run)
    assert work.done == ["timer 1"]


def test_it_has_not_settled_when_the_clock_has_just_moved() -> None:
    work, clock = Delayed(1000, "timer 1"), VirtualClock(0)

    async def run() -> None:
        scheduler = Scheduler(work, clock, work)
        scheduler.start()
        await scheduler.settle()
        assert work.done == []
        clock.advance(timedelta(seconds=1))
        await scheduler.settle()
        await scheduler.stop()

    bounded(run)
    assert work.done == ["timer 1"]


def test_timers_end_while_as_many_calls_are_under_way_as_may_be() -> None:
    class Endless(Work):
        def __init__(self, *jobs: str) -> None:
            super().__init__(*jobs)
            self.over = asyncio.Event()

        async def call(self, job: str) -> None:
            await asyncio.Event().wait()

        def leave(self, item: Item) -> None:
            if item.job_id == "timer 2":
                self.over.set()

    work = Endless("call 1", "call 2", "timer 1", "timer 2")

    async def run() -> None:
        scheduler = Scheduler(work, RealClock(), work, limit=lambda: 1)
        scheduler.start()
        await work.over.wait()
        await scheduler.stop()

    bounded(run)
    assert work.done == ["timer 1", "timer 2"] and work.jobs == ["call 1", "call 2"]


def test_others_are_served_between_timers() -> None:
    work, served = Work(*(f"timer {n}" for n in range(5))), list[int]()

    async def run() -> None:
        scheduler = Scheduler(work, VirtualClock(0), work)
        scheduler.start()
        scheduler.wake()
        while work.jobs:
            served.append(len(work.done))
            await asyncio.sleep(0)
        await scheduler.stop()

    bounded(run)
    assert len(set(served)) > 2


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept each time; nobody waits for it."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def paused(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", paused)
    return pauses


def test_what_fails_is_tried_again(pauses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    work = Work("timer 1", "timer 2")
    work.broken = {"timer 1"}
    play(work)
    assert work.done == ["timer 1", "timer 2"]
    assert 1 in pauses and "could not work on item timer 1" in caplog.text


@pytest.mark.parametrize("where", ["ready", "admit"])
def test_what_could_not_be_taken_is_tried_again(where: str, pauses: list[float]) -> None:
    work = Work("timer 1", "call 1")
    work.broken = {where}
    play(work)
    assert work.done == ["timer 1", "call 1"]
    assert pauses.count(1) == 1


@pytest.mark.parametrize("error", [OSError(), asyncio.CancelledError(), GeneratorExit()])
def test_whatever_user_code_raises_in_this_process_it_is_not_tried_in_a_hot_loop(
    error: BaseException, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work("call 1")
    work.broken, work.error = {"call 1"}, error
    play(work)
    assert work.done == ["call 1"]
    assert pauses.count(1) == 1 and "could not work on item call 1" in caplog.text


def test_what_was_just_taken_when_it_stops_is_dropped_without_a_word() -> None:
    work = Work("call 1")

    async def run() -> None:
        scheduler = Scheduler(work, VirtualClock(0), work)
        taken = work.ready(0, [], 1)[0]
        scheduler._start(taken)
        await scheduler.stop()

    bounded(run)
    gc.collect()  # a coroutine that never ran would be told of here
    assert work.done == []


def test_a_place_that_cannot_be_given_back_does_not_hold_up_the_queue() -> None:
    class Clinging(Work):
        def leave(self, item: Item) -> None:
            super().leave(item)
            if item.job_id == "call 1":
                raise OSError

    work = Clinging("call 1", "call 2")
    play(work)
    assert work.done == ["call 1", "call 2"]
