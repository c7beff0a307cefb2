"""Let calls that share a loop begin one after another.

Each call replays its function. Many at once would hold all of their tasks at the same time, and
the garbage collector would go through them again and again; a short one is over before the
next begins. A long one is waited for no longer than some turns of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TURNS = 32
"""A call without memos takes half of them, besides what its steps wait for."""


class Beginnings:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._latest: _Call | None = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A call: it may begin now, and ends with the block."""
        self._waiting += 1
        self._count()
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        call = self._latest = _Call(self._lock)
        self._count()
        try:
            yield
        finally:
            call.make_way()

    def _count(self) -> None:
        """Nobody is to spin the loop while nobody waits."""
        if self._waiting and self._latest is not None:
            self._latest.count()


class _Call:
    """The latest one, until it is over or has had its time."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._is_latest = True
        self._is_counting = False
        self._left = TURNS

    def count(self) -> None:
        if self._is_latest and not self._is_counting:
            self._is_counting = True
            self._turn()

    def make_way(self) -> None:
        if self._is_latest:
            self._is_latest = False
            self._lock.release()

    def _turn(self) -> None:
        self._left -= 1
        if self._left < 0:
            self.make_way()
        elif self._is_latest:
            asyncio.get_running_loop().call_soon(self._turn)
