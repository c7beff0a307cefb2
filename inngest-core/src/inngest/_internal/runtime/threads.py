"""The threads that sync functions run on when an event loop must not be held up."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

T = TypeVar("T")

Surroundings = Callable[[], AbstractContextManager[object]]
"""Makes the context in which a function runs on a thread that its framework does not know."""


class Elsewhere(Protocol):
    """Where sync functions run when the loop must not be held up."""

    limit: int

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work with the caller's context variables."""
        ...


class Threads:
    """A bounded pool, made on first use. After ``close`` the next use makes a new one.

    :param limit: how many threads there may be; 0 asks for the work to be done on the loop.
    :param surroundings: entered on the thread around each piece of work.
    """

    def __init__(self, limit: int, surroundings: Surroundings = nullcontext) -> None:
        self.limit = limit
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: set[object] = set()

    @property
    def waiting(self) -> int:
        """How much work waits for a thread. From any thread."""
        return len(self._waiting)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work with the caller's context variables."""
        context, place = contextvars.copy_context(), object()

        def work_there() -> T:
            self._waiting.discard(place)
            return context.run(self.surround, work)

        self._waiting.add(place)
        try:
            return await asyncio.wrap_future(self._submit(work_there))
        finally:
            self._waiting.discard(place)

    def start(self, work: Callable[[], object]) -> None:
        """Start work on a thread of its own; whoever asks holds a thread already."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), name="inngest-stream").start()

    def close(self) -> None:
        """Let the threads end, each when it has finished what it is doing."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def surround(self, work: Callable[[], T]) -> T:
        """Do work on this thread, within the surroundings."""
        with self._surroundings():
            return work()

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:  # or the pool might be closed before it has the work
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.limit, thread_name_prefix="inngest")
            return self._pool.submit(work)
