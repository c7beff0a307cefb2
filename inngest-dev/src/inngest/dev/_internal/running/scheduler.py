"""Take due queue items and have them done, several at once. Woken by changes and timers."""

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
        """What can be done and nobody works on, in the order it is to be done.

        At most so many calls and requests; what ends at once is done in any case.
        """
        ...

    def next_due(self, after: int, busy: list[str]) -> int | None:
        """When the next item falls due, later than this moment."""
        ...

    def has_work(self) -> bool:
        """Whether there is more to come than ticks of cron."""
        ...


class Worker(Protocol):
    def look_again(self) -> None:
        """Give those another chance that waited for this moment."""
        ...

    def admit(self, item: Item) -> bool:
        """Whether it may be worked on now; `leave` follows if so. Else it is not ready any more.

        It wakes the scheduler when that lets others be ready.
        """
        ...

    def execute(self, item: Item) -> Coroutine[Any, Any, None] | None:
        """Do it, or return what takes longer."""
        ...

    def leave(self, item: Item) -> None: ...

    def next_chance(self) -> int | None:
        """The next moment to look again."""
        ...


class Scheduler:
    def __init__(
        self, queue: Queue, clock: Clock, worker: Worker, *, limit: Callable[[], int] = lambda: 50
    ) -> None:
        """`limit`: how many calls and requests may be under way now."""
        self._queue, self._clock, self._worker, self._limit = queue, clock, worker, limit
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._looked = 0
        """When it looked into the queue last: what has fallen due since is still to be taken."""

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
        """When an item falls due, or a throttle lets one by."""
        due = self._queue.next_due(self._looked, list(self._busy))
        moments = [each for each in (due, self._worker.next_chance()) if each is not None]
        return min(moments, default=None)

    def waits_for_time(self) -> bool:
        # An automatic clock is not to run from tick to tick of cron for ever.
        return not self._busy and self._queue.has_work()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                self._take()
            except Exception as error:  # the queue goes on
                _tell("the engine could not take work from the queue", error)
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
        """Start on what is due and admitted, as far as there is room."""
        self._worker.look_again()
        self._looked = self._clock.now()
        room = max(self._limit() - len(self._busy), 0)
        for item in self._queue.ready(self._looked, list(self._busy), room):
            self._start(item)

    def _start(self, item: Item) -> None:
        try:
            if not self._worker.admit(item):
                self._wake.set()  # one that is behind it may have room
                return
            work = self._worker.execute(item)
        except Exception as error:
            _tell(f"the engine could not work on item {item.job_id}", error)
            work = asyncio.sleep(1)
        if work is None:
            self._worker.leave(item)
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
            # User code in this process may raise whatever it likes: it is cancelled only by us.
            if self._is_stopping and isinstance(error, asyncio.CancelledError):
                raise
            _tell(f"the engine could not work on item {item.job_id}", error)
            await asyncio.sleep(1)
        finally:
            self._busy.pop(item.job_id, None)
            self.wake()  # in any case: its item may be left
            self._worker.leave(item)


def _tell(what: str, error: BaseException) -> None:
    if isinstance(error, StoreError):
        _log.error("%s", unusable(error))
    else:
        _log.error("%s", what, exc_info=error)
