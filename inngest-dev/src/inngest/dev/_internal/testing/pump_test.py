from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from inngest.dev._internal.testing.pump import Pump


class Clock:
    """The time of a loop, that stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    new_event_loop = asyncio.new_event_loop

    def made() -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        monkeypatch.setattr(loop, "time", clock)
        return loop

    monkeypatch.setattr(asyncio, "new_event_loop", made)
    return clock


async def busy(clock: Clock, seconds: float) -> None:
    await asyncio.sleep(0)
    clock.now += seconds
    for _ in range(3):
        await asyncio.sleep(0)


def test_what_takes_too_long_on_the_loop_is_given_up(clock: Clock) -> None:
    pump = Pump(timeout=10)

    async def endless() -> None:
        while True:
            await busy(clock, 1)

    with pytest.raises(TimeoutError, match=r"nothing came to an end within 10 s"):
        pump.run(endless())
    assert 10 <= clock.now < 20
    pump.close()


def test_it_is_given_up_when_work_was_asked_for_in_the_turn_in_which_time_is_over(
    clock: Clock,
) -> None:
    pump = Pump(timeout=10)

    async def endless() -> None:
        clock.now = 10
        await asyncio.sleep(0)
        await pump.elsewhere(lambda: None)
        for _ in range(1000):
            await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        pump.run(endless())
    pump.close()


def test_time_is_counted_over_all_bursts_and_only_on_the_loop(clock: Clock) -> None:
    pump = Pump(timeout=10)

    def elsewhere() -> None:
        clock.now += 1000

    def in_turns(rounds: int) -> Callable[[], object]:
        async def run() -> str:
            for _ in range(rounds):
                await busy(clock, 3)
                await pump.elsewhere(elsewhere)
            return "done"

        return lambda: pump.run(run())

    assert in_turns(3)() == "done"
    with pytest.raises(TimeoutError):
        in_turns(5)()
    pump.close()


def test_short_work_counts_however_often_it_is_done(clock: Clock) -> None:
    pump = Pump(timeout=1)

    def brief() -> None:
        clock.now += 0.005

    async def endless() -> None:
        while True:
            await pump.elsewhere(brief)

    with pytest.raises(TimeoutError):
        pump.run(endless())
    assert 1 <= clock.now < 1.1
    pump.close()


def test_what_takes_long_to_end_is_ended_with_its_loop(clock: Clock) -> None:
    pump = Pump(timeout=1)
    ended: list[str] = []

    async def reluctant() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await busy(clock, 5)
            ended.append("reluctant")

    async def leave_behind() -> asyncio.Task[None]:
        task = asyncio.ensure_future(reluctant())
        await asyncio.sleep(0)
        return task

    task = pump.run(leave_behind())
    pump.close()
    assert task.cancelled() and ended == ["reluctant"]
    assert pump._loop.is_closed()


def test_threads_that_were_given_up_are_not_waited_for() -> None:
    pump, may_end, has_ended = Pump(timeout=60), threading.Event(), threading.Event()

    async def gives_up() -> None:
        loop, has_begun = asyncio.get_running_loop(), asyncio.Event()

        def stuck() -> None:
            loop.call_soon_threadsafe(has_begun.set)
            may_end.wait(60)
            has_ended.set()

        waiting = asyncio.ensure_future(asyncio.to_thread(stuck))
        await has_begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    try:
        pump.run(gives_up())
        pump.close()
        assert not has_ended.is_set()
    finally:
        may_end.set()
    assert has_ended.wait(60)
