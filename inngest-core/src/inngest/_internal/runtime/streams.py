"""Streamed responses while a function runs: iterators of chunks, for threads and for event loops.

They return their first chunk at once, as servers send the headers with it. Closing one cancels
an async function; a sync function runs to its end, and its response is dropped.
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
    """Runs coroutines for sync code, and lets other threads cancel them."""

    def __init__(self, wait: Wait = run_coroutine) -> None:
        self._wait = wait
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end, or until it is cancelled."""
        return self._wait(self._watched(coroutine))

    def cancel(self) -> None:
        """Cancel the running coroutine and all later ones."""
        with self._lock:
            self._is_cancelled = True
            if self._running is not None:
                loop, task = self._running
                with suppress(RuntimeError):  # the loop of a framework is closed
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
    """Chunks for a sync transport. The work runs on another thread."""

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
        self._has_started = self._is_over = False
        self._responses: queue.SimpleQueue[CommResponse | None] = queue.SimpleQueue()
        threads.start(self._do)

    def __iter__(self) -> SyncStream:
        return self

    def __next__(self) -> bytes:
        if self._is_over:
            raise StopIteration
        if not self._has_started:
            self._has_started = True
            return KEEP_ALIVE
        try:
            response = self._responses.get(timeout=self._interval)
        except queue.Empty:
            return KEEP_ALIVE
        self._is_over = True
        if response is None:
            raise StopIteration
        return seal(response)

    def close(self) -> None:
        """Cancel the work, because the client has disconnected."""
        if not self._is_over:
            self._is_over = True
            self._cancel()

    def _do(self) -> None:
        response: CommResponse | None = None
        try:
            response = self._threads.surround(self._work)
        except asyncio.CancelledError:
            pass  # by close(): the client has disconnected
        except BaseException:  # the thread ends anyway, and nobody joins it
            logger.exception("a streamed call ended without a response")
        finally:
            self._responses.put(response)


class AsyncStream:
    """Chunks for an async transport. The work runs in a task.

    The task starts with the first chunk, and so not in the context of the view. If sync code,
    such as Django middleware, calls a view, asgiref runs the database work of that context on
    the caller's thread, which has moved on by the time the response is streamed.
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
        """Cancel the work, because the client has disconnected, and wait for its end."""
        if not self._is_over:
            self._is_over = True
            self._end()
            if self._task is not None:
                await asyncio.wait({self._task})

    def close(self) -> None:
        """Cancel the work from any thread, without waiting."""
        if not self._is_over:
            self._is_over = True
            with suppress(RuntimeError):  # the loop is closed, and with it all its tasks ended
                self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
