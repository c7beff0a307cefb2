"""Tell the time and wait for it: the real clock, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Protocol

_LONGEST_NAP = 10.0
"""Seconds. While a machine is suspended the time of day goes on, and that of a loop stands still:
so the clock is looked at again after a while."""


class Agenda(Protocol):
    """What is to be done next. Clocks ask for what they want to know of it."""

    def next_due(self) -> int | None:
        """When the next thing falls due, in milliseconds since the epoch; None: nothing will."""
        ...

    def waits_for_time(self) -> bool:
        """Whether nothing is under way, and time alone lets some run go on."""
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch."""
        ...

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        """Return when `wake` is set, or something on the agenda falls due. Earlier is harmless."""
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
    """Return when the event is set, or after `timeout` seconds.

    Before Python 3.12, `asyncio.wait_for` loses a cancellation that comes just when the event is
    set: a loop around it would go on for ever.
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
        """Move it forward, and wake who waits. Call it on the engine's loop."""
        self.set(self._now + delta // timedelta(milliseconds=1))

    def set(self, moment: int) -> None:
        """Move it forward to this moment, in milliseconds since the epoch."""
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
