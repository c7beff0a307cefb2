"""Clocks: the real one, and a virtual one that tests advance."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Protocol

_LONGEST_NAP = 10.0
"""Seconds. While a machine is suspended, wall time passes but the event loop's clock stands still:
so recheck the time periodically."""


class Agenda(Protocol):
    """What a clock needs to know about pending work."""

    def next_due(self) -> int | None:
        """Return when the next item falls due, in milliseconds since the epoch; None: never."""
        ...

    def waits_for_time(self) -> bool:
        """Return whether the engine is idle, and some run is waiting for time to pass."""
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Return the time in milliseconds since the epoch."""
        ...

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        """Wait until `wake` is set or an item of the agenda falls due. May return early."""
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
    """Wait until the event is set, or for `timeout` seconds.

    Before Python 3.12, `asyncio.wait_for` swallows a cancellation that arrives just as the event
    is set: a loop around it would run forever.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([waiting], timeout=timeout)
    finally:
        waiting.cancel()


class VirtualClock:
    """A clock that stands still until it is advanced.

    It starts at the real time by default, as SDKs may send the end of a sleep as a point in
    real time.

    With `auto=True` it jumps to the next due time whenever the engine is idle, unless only
    cron ticks are pending.
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
        """Move the clock forward and wake waiters. Call it on the engine's loop."""
        self.set(self._now + delta // timedelta(milliseconds=1))

    def set(self, moment: int) -> None:
        """Move the clock forward to this moment, in milliseconds since the epoch."""
        if moment < self._now:
            raise ValueError("the virtual clock cannot go back")
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
