"""The threads that run sync functions, so that they do not block an event loop."""

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
"""Makes a context manager for work on a thread that the web framework does not know."""


class Elsewhere(Protocol):
    """Runs sync functions off the event loop."""

    limit: int

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking work, with the caller's context variables."""
        ...


class Threads:
    """A bounded thread pool, created on first use. It can be used again after ``close``.

    :param limit: the maximum number of threads; 0 runs the work on the event loop's thread.
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
        """The number of pieces of work that wait for a thread. Thread-safe."""
        return len(self._waiting)

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking work, with the caller's context variables."""
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
        """Start work on a new thread, since the caller may hold a thread of the pool already."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), name="inngest-stream").start()

    def close(self) -> None:
        """End the threads, each when it has finished its current work, without waiting."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def surround(self, work: Callable[[], T]) -> T:
        """Run work on the current thread, within the surroundings."""
        with self._surroundings():
            return work()

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:  # close() must not shut the pool down before submit()
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.limit, thread_name_prefix="inngest")
            return self._pool.submit(work)
