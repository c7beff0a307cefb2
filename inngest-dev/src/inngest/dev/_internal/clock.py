"""Tell the time and wait for it: the real clock, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Protocol

_LONGEST_NAP = 10.0
"""Seconds. The time of day goes on while a machine is suspended; that of a loop does not."""


class Agenda(Protocol):
    """What somebody waits for, worked out only by clocks that want to know."""

    def next_due(self) -> int | None:
        """When there is something to do again, if the clock alone decides that."""
        ...

    def waits_for_time(self) -> bool:
        """Whether nothing is under way, and runs go on when time has passed."""
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch."""
        ...

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        """Return when `wake` is set or something falls due; earlier is harmless."""
        ...


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        timeout, due = None, agenda.next_due()
        if due is not None:
            timeout = min(max(due - self.now(), 0) / 1000, _LONGEST_NAP)
        await wait_for_event(wake, timeout)


async def wait_for_event(event: asyncio.Event, timeout: float | None) -> None:
    """Return when the event is set, or after so many seconds.

    `asyncio.wait_for` loses a cancellation that comes just when the event is set, before
    Python 3.12: a loop around it goes on for ever.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([waiting], timeout=timeout)
    finally:
        waiting.cancel()


class VirtualClock:
    """Stands still until it is advanced.

    It starts at the real time unless told otherwise, as SDKs may send the end of a sleep as
    a point in real time.

    With `auto=True` it jumps to the next due time whenever the engine is idle, unless only
    ticks of cron are to come.
    """

    def __init__(self, start: int | None = None, *, auto: bool = False) -> None:
        self._now = time.time_ns() // 1_000_000 if start is None else start
        self._auto = auto
        self._wakes: set[asyncio.Event] = set()

    def now(self) -> int:
        return self._now

    @property
    def is_auto(self) -> bool:
        return self._auto

    def advance(self, delta: timedelta) -> None:
        """Move on and wake what is due. Call it on the engine's loop."""
        self.set(self._now + delta // timedelta(milliseconds=1))

    def set(self, moment: int) -> None:
        if moment < self._now:
            raise ValueError("the virtual clock does not go back")
        self._now = moment
        for wake in self._wakes:
            wake.set()

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        if self._auto and agenda.waits_for_time():
            due = agenda.next_due()
            if due is not None:
                self.set(max(due, self._now))
                return
        self._wakes.add(wake)
        try:
            await wake.wait()
        finally:
            self._wakes.discard(wake)
