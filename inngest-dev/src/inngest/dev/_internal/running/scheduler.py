"""Take due items from the queue and execute them concurrently.

It checks the queue when a change wakes it, and when an item falls due.
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
        """Return the due items that are neither parked nor busy, in execution order.

        `limit` applies to calls and requests, not to timers, which end at once.
        """
        ...

    def next_due(self, after: int, busy: list[str]) -> int | None:
        """Return when the next item after this moment falls due."""
        ...

    def has_work(self) -> bool:
        """Return whether the queue holds anything but cron timers."""
        ...


class Executes(Protocol):
    def unpark_due(self) -> None:
        """Return parked items to the queue if there is room for them now."""
        ...

    def admit(self, item: Item) -> bool:
        """Return whether the item may be executed now; if not, park or drop it.

        The caller passes each admitted item to `leave` once executed. Wakes the scheduler if
        other items have become ready.
        """
        ...

    def execute(self, item: Item) -> Coroutine[Any, Any, None] | None:
        """Execute the item at once and return None, or return a coroutine that executes it."""
        ...

    def leave(self, item: Item) -> None:
        """Release the places that an admitted item holds."""
        ...

    def next_chance(self) -> int | None:
        """Return when time alone makes room for parked items; None if it does not."""
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
        """`limit` returns the most calls and requests that may be under way now."""
        self._queue, self._clock, self._executor, self._limit = queue, clock, executor, limit
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._checked_at = 0
        """When the queue was last checked: items that fell due since are still to be taken."""

    def start(self) -> None:
        self._loop = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Cancel all work under way. Its items stay in the store, unfinished."""
        self._is_stopping = True
        tasks = [t for t in (self._loop, *self._busy.values()) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._busy.clear()

    def wake(self) -> None:
        """Check the queue again: it has changed."""
        self._idle.clear()
        self._wake.set()

    async def settle(self) -> None:
        """Wait until no item is ready and none is being executed."""
        if self._wake.is_set():  # the clock has moved, and the queue has not been checked since
            self._idle.clear()
        await self._idle.wait()

    def next_due(self) -> int | None:
        """Return when the next item falls due or a throttle admits one, whichever is earlier."""
        due = self._queue.next_due(self._checked_at, list(self._busy))
        moments = [each for each in (due, self._executor.next_chance()) if each is not None]
        return min(moments, default=None)

    def waits_for_time(self) -> bool:
        # with cron alone, an automatic clock would jump from tick to tick forever
        return not self._busy and self._queue.has_work()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                self._take()
            except Exception as error:  # e.g. the disk is full: retry
                _log_failure("the engine could not take work from the queue", error)
                self._idle.clear()
                await asyncio.sleep(1)
                continue
            if self._wake.is_set():  # set by the items just taken: more may be ready
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
        """Start executing the due items that are admitted, up to the limit."""
        self._executor.unpark_due()
        self._checked_at = self._clock.now()
        room = max(self._limit() - len(self._busy), 0)
        for item in self._queue.ready(self._checked_at, list(self._busy), room):
            self._start(item)

    def _start(self, item: Item) -> None:
        try:
            if not self._executor.admit(item):
                self._wake.set()  # there may be room for the next item in the queue
                return
            work = self._executor.execute(item)
        except Exception as error:
            _log_failure(f"the engine could not work on item {item.job_id}", error)
            work = asyncio.sleep(1)  # keep it busy this long, then retry
        if work is None:
            self._executor.leave(item)
            self._wake.set()
        else:
            task = asyncio.get_running_loop().create_task(self._run(item, work))
            task.add_done_callback(lambda _: work.close())  # in case it never started
            self._busy[item.job_id] = task

    async def _run(self, item: Item, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # An app's code in this process may raise anything, even CancelledError: it means that
            # this task was cancelled only while the scheduler is stopping.
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
