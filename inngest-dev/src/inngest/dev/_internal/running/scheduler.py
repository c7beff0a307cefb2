"""Take due items from the queue and have them executed, several at once.

It looks into the queue when it is woken by a change, and when an item falls due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from inngest.dev._internal.clock import Clock
from inngest.dev._internal.model.values import Item
from inngest.dev._internal.store.database import StoreError, unusable

_log = logging.getLogger("inngest.dev")


class Queue(Protocol):
    def ready(self, now: int, busy: list[str], limit: int) -> list[Item]:
        """The due items that are neither parked nor busy, in the order to execute them.

        `limit` holds for calls and requests. Timers, which end at once, come on top of it.
        """
        ...

    def next_due(self, after: int, busy: list[str]) -> int | None:
        """When the next item falls due, later than this moment."""
        ...

    def has_work(self) -> bool:
        """Whether the queue holds anything but cron timers."""
        ...


class Executes(Protocol):
    def unpark_due(self) -> None:
        """Return parked items to the queue for which there is room now."""
        ...

    def admit(self, item: Item) -> bool:
        """Whether the item may be executed now. If not, it is parked, or dropped.

        Each admitted item is given to `leave` when it has been executed. Wakes the scheduler
        when other items have become ready.
        """
        ...

    def execute(self, item: Item) -> Coroutine[Any, Any, None] | None:
        """Execute the item at once and return None, or return the coroutine that does it."""
        ...

    def leave(self, item: Item) -> None:
        """Free what an admitted item has taken."""
        ...

    def next_chance(self) -> int | None:
        """When `unpark_due` has something to do again, if time alone decides that."""
        ...


class Scheduler:
    def __init__(
        self,
        queue: Queue,
        clock: Clock,
        executor: Executes,
        *,
        limit: Callable[[], int] = lambda: 50,
    ) -> None:
        """`limit` tells how many calls and requests may be under way at that moment."""
        self._queue, self._clock, self._executor, self._limit = queue, clock, executor, limit
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._looked = 0
        """When it last looked into the queue: items that fell due later are still to be taken."""

    def start(self) -> None:
        self._loop = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Cancel what is under way. Its items stay in the store, unfinished."""
        self._is_stopping = True
        tasks = [t for t in (self._loop, *self._busy.values()) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._busy.clear()

    def wake(self) -> None:
        """The queue has changed."""
        self._idle.clear()
        self._wake.set()

    async def settle(self) -> None:
        """Wait until nothing can be done now and nothing is under way."""
        if self._wake.is_set():  # by the clock: it has moved, and nobody has looked yet
            self._idle.clear()
        await self._idle.wait()

    def next_due(self) -> int | None:
        """When the next item falls due, or a throttle admits one, whichever is earlier."""
        due = self._queue.next_due(self._looked, list(self._busy))
        moments = [each for each in (due, self._executor.next_chance()) if each is not None]
        return min(moments, default=None)

    def waits_for_time(self) -> bool:
        # cron alone would make an automatic clock jump from tick to tick for ever
        return not self._busy and self._queue.has_work()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                self._take()
            except Exception as error:  # as when the disk is full: it is tried again
                _log_failure("the engine could not take work from the queue", error)
                self._idle.clear()
                await asyncio.sleep(1)
                continue
            if self._wake.is_set():  # by what was taken: there may be more to take
                self._idle.clear()
                await asyncio.sleep(0)
                continue
            if self._busy:
                self._idle.clear()
            else:
                self._idle.set()
            await self._clock.wait(self._wake, self)
            if self._wake.is_set():
                self._idle.clear()

    def _take(self) -> None:
        """Start on the items that are due and admitted, as far as there is room."""
        self._executor.unpark_due()
        self._looked = self._clock.now()
        room = max(self._limit() - len(self._busy), 0)
        for item in self._queue.ready(self._looked, list(self._busy), room):
            self._start(item)

    def _start(self, item: Item) -> None:
        try:
            if not self._executor.admit(item):
                self._wake.set()  # there may be room for the next item in the queue
                return
            work = self._executor.execute(item)
        except Exception as error:
            _log_failure(f"the engine could not work on item {item.job_id}", error)
            work = asyncio.sleep(1)  # it stays busy for so long, and is tried again
        if work is None:
            self._executor.leave(item)
            self._wake.set()
        else:
            task = asyncio.get_running_loop().create_task(self._run(item, work))
            task.add_done_callback(lambda _: work.close())  # should it never have begun
            self._busy[item.job_id] = task

    async def _run(self, item: Item, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # Code of an app in this process may raise anything, CancelledError too: only while
            # the scheduler stops does that mean a cancellation of this task.
            if self._is_stopping and isinstance(error, asyncio.CancelledError):
                raise
            _log_failure(f"the engine could not work on item {item.job_id}", error)
            await asyncio.sleep(1)
        finally:
            self._busy.pop(item.job_id, None)
            self.wake()  # even after a failure: the item may still be in the queue
            self._executor.leave(item)


def _log_failure(what: str, error: BaseException) -> None:
    if isinstance(error, StoreError):
        _log.error("%s", unusable(error))
    else:
        _log.error("%s", what, exc_info=error)
