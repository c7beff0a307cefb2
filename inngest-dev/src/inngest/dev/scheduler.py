"""Take due queue items and have them done, several at once. Woken by changes and timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from inngest.dev.clock import Clock
from inngest.dev.model import Item
from inngest.dev.store import Store

_log = logging.getLogger("inngest.dev")


class Scheduler:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        execute: Callable[[Item], Awaitable[None]],
        *,
        limit: int = 50,
    ) -> None:
        self._store, self._clock, self._execute, self._limit = store, clock, execute, limit
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Cancel what is under way. Its items stay in the store, unfinished."""
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
        """Wait until nothing is due and nothing is under way."""
        await self._idle.wait()

    def next_due(self) -> int | None:
        return self._store.next_due(list(self._busy))

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            room = self._limit - len(self._busy)
            busy = list(self._busy)
            for item in self._store.due(self._clock.now(), room, busy) if room > 0 else ():
                task = asyncio.get_running_loop().create_task(self._run(item))
                self._busy[item.job_id] = task
            idle = not self._busy
            if idle:
                self._idle.set()
            else:
                self._idle.clear()
            until = self.next_due() if len(self._busy) < self._limit else None
            await self._clock.wait(self._wake, until, idle=idle)
            if self._wake.is_set():
                self._idle.clear()

    async def _run(self, item: Item) -> None:
        try:
            await self._execute(item)
        except Exception:
            _log.exception("the engine could not work on item %s", item.job_id)
            await asyncio.sleep(1)
        finally:
            self._busy.pop(item.job_id, None)
            self.wake()
