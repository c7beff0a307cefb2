"""Streamed answers while a function runs: iterators of chunks, for threads and for loops.

They give their first chunk at once: servers send the headers with it. Closing one ends its
work as far as that can be: an async function is cancelled, a sync one goes on to its end, and
its answer is lost.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from inngest._internal.http.comm import CommResponse
from inngest._internal.http.streaming import KEEP_ALIVE, seal
from inngest._internal.runtime.drivers import Wait, run_coroutine
from inngest._internal.runtime.threads import Threads

logger = logging.getLogger("inngest")


class Cancellation:
    """Runs coroutines for sync code, and lets another thread end them."""

    def __init__(self, wait: Wait = run_coroutine) -> None:
        self._wait = wait
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end, or to its cancellation."""
        return self._wait(self._watched(coroutine))

    def cancel(self) -> None:
        """End what is running, and what has yet to run."""
        with self._lock:
            self._is_cancelled = True
            if self._running is not None:
                loop, task = self._running
                with suppress(RuntimeError):  # a framework's loop that has been closed
                    loop.call_soon_threadsafe(task.cancel)

    async def _watched(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            if self._is_cancelled:
                coroutine.close()
                raise asyncio.CancelledError
            self._running = asyncio.get_running_loop(), task
        try:
            return await coroutine
        finally:
            with self._lock:
                self._running = None


class SyncStream:
    """Chunks for a sync transport; the work is done on a thread beside it."""

    def __init__(
        self,
        work: Callable[[], CommResponse],
        *,
        threads: Threads,
        cancel: Callable[[], None],
        interval: float,
    ) -> None:
        self._work = work
        self._threads = threads
        self._cancel = cancel
        self._interval = interval
        self._is_opened = self._is_over = False
        self._answers: queue.SimpleQueue[CommResponse | None] = queue.SimpleQueue()
        threads.start(self._do)

    def __iter__(self) -> SyncStream:
        return self

    def __next__(self) -> bytes:
        if self._is_over:
            raise StopIteration
        if not self._is_opened:
            self._is_opened = True
            return KEEP_ALIVE
        try:
            answer = self._answers.get(timeout=self._interval)
        except queue.Empty:
            return KEEP_ALIVE
        self._is_over = True
        if answer is None:
            raise StopIteration
        return seal(answer)

    def close(self) -> None:
        """Nobody listens any more."""
        if not self._is_over:
            self._is_over = True
            self._cancel()

    def _do(self) -> None:
        answer: CommResponse | None = None
        try:
            answer = self._threads.surround(self._work)
        except asyncio.CancelledError:
            pass  # by close(): nobody is left to be told
        except BaseException:  # whatever it is, it ends this thread anyway
            logger.exception("a streamed call ended without an answer")
        finally:
            self._answers.put(answer)


class AsyncStream:
    """Chunks for an async transport; the work is a task beside it.

    It is started with the first chunk: a view that is called by sync code, such as a
    middleware of Django's, has its database work done by that, which has gone by then.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, CommResponse]], *, interval: float
    ) -> None:
        self._work = work
        self._interval = interval
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[CommResponse] | None = None

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        if self._task is None:
            self._task = self._loop.create_task(self._work())
            return KEEP_ALIVE
        done, _ = await asyncio.wait({self._task}, timeout=self._interval)
        if not done:
            return KEEP_ALIVE
        self._is_over = True
        if self._task.cancelled():
            raise StopAsyncIteration
        return seal(self._task.result())

    async def aclose(self) -> None:
        """Nobody listens any more; returns when the work has ended."""
        if not self._is_over:
            self._is_over = True
            self._end()
            if self._task is not None:
                await asyncio.wait({self._task})

    def close(self) -> None:
        """Nobody listens any more. May be called from any thread, and does not wait."""
        if not self._is_over:
            self._is_over = True
            with suppress(RuntimeError):  # the loop has been closed, and has ended its tasks
                self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
