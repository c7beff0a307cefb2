"""Stagger the calls of apps that share the engine's loop: they begin one after another.

Each call replays its function. If many began at once, all of their tasks would be in memory at
the same time, and the garbage collector would go through them again and again. So the next call
begins when the one before it has ended, or has had some turns of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TURNS = 32
"""Turns of the loop that the next call waits for one that has begun.

A call without memos takes half as many, unless its steps wait for something.
"""


class Stagger:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._latest: _Call | None = None

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Wait until a call may begin. It ends with the block."""
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
        """Count the turns of the latest call, but only while another one waits for it.

        Counting keeps the loop spinning.
        """
        if self._waiting and self._latest is not None:
            self._latest.count()


class _Call:
    """A call that has begun. It holds the lock until it has ended or has had its turns."""

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
