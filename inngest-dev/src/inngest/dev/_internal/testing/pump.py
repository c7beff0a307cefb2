"""Run a loop in bursts, with blocking work in between, while no loop is running.

This way a sync function of an app under test runs on the test's own thread, as under a sync
framework: it shares the test's database connection, and `asyncio.run` and debuggers work in it.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_UNWIND = 1.0
"""Seconds for cancelled work to unwind."""
PATIENCE = 60.0
"""The least timeout in seconds of the engine's own work: a short one is meant for the app."""
_SHORT = 0.01
"""The most seconds of a piece of blocking work that count towards the timeout, as it may be
paused in a debugger."""


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for each call
class _Work:
    do: Callable[[], Any]
    context: contextvars.Context
    future: asyncio.Future[Any]


class _Limit:
    """Stops the loop when its bursts have taken this many seconds in total, with one timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop, self._left = loop, seconds
        self._started = 0.0
        self.is_reached = False
        self._timer = loop.call_later(seconds, self._look)

    def __enter__(self) -> None:
        self._started = self._loop.time()

    def __exit__(self, *_: object) -> None:
        self._left -= self._loop.time() - self._started

    def spend(self, seconds: float) -> None:
        """Count blocking work between two bursts, up to `_SHORT`."""
        self._left -= min(seconds, _SHORT)

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._left - (self._loop.time() - self._started)
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self.is_reached = True
            self._loop.stop()


class Pump:
    def __init__(self, timeout: float) -> None:
        self._timeout = seconds_of(timeout)
        _refuse_a_loop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.get_ident()
        self._queue: deque[_Work] = deque()
        self._is_working = False
        self.turn: threading.RLock = threading.RLock()
        """Held while the loop runs. Its holder may do the loop's work from another thread."""

    def elsewhere(self, do: Callable[[], T]) -> Awaitable[T]:
        """Schedule blocking work between two bursts. Call it on the loop."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append(_Work(do=do, context=contextvars.copy_context(), future=future))
        self._loop.stop()
        return future

    def run(self, coroutine: Coroutine[Any, Any, T], *, at_least: float = 0.0) -> T:
        """Run a coroutine to its end. Blocking work barely counts towards the timeout.

        :param at_least: the least timeout in seconds.
        :raises TimeoutError: it takes longer.
        :raises RuntimeError: a loop is running on this thread, or this is another thread.
        """
        if self._loop.is_running() or self._is_working:
            coroutine.close()
            raise RuntimeError(
                "this engine is at work: functions and their steps use the client; "
                "AsyncVirtualEngine is for tests with an event loop"
            )
        try:
            _refuse_a_loop()
            self._refuse_another_thread()
        except RuntimeError:
            coroutine.close()
            raise
        task = self._loop.create_task(coroutine)
        task.add_done_callback(lambda _: self._loop.stop())
        timeout = max(self._timeout, at_least)
        limit = _Limit(self._loop, timeout)
        try:
            while not task.done():
                if self._queue:
                    started = self._loop.time()
                    self._do(self._queue.popleft())
                    limit.spend(self._loop.time() - started)
                else:
                    self._burst(task, limit, timeout)
        finally:
            limit.cancel()
        return task.result()

    def close(self) -> None:
        """Cancel all remaining tasks."""
        self._queue.clear()
        try:
            self.run(_cancel_others(), at_least=PATIENCE)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    def _burst(self, task: asyncio.Task[Any], limit: _Limit, timeout: float) -> None:
        if not limit.is_reached:  # blocking work scheduled in the last turn still runs
            with self.turn, limit:
                self._loop.run_forever()
        if limit.is_reached and not task.done() and not self._queue:
            task.cancel()
            rest = self._loop.call_later(_UNWIND, self._loop.stop)
            with self.turn:
                self._loop.run_forever()  # the end of the task stops it
            rest.cancel()
            raise TimeoutError(f"nothing came to an end within {timeout} s")

    def _refuse_another_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                "this engine is used on the thread that made it: others use the client, and "
                "settle() on that thread takes what they have sent"
            )

    def _do(self, work: _Work) -> None:
        self._is_working = True
        try:
            value = work.context.run(work.do)
        except Exception as error:
            if not work.future.done():
                work.future.set_exception(error)
        except BaseException:
            work.future.cancel()
            raise
        else:
            if not work.future.done():  # e.g. cancelled by the engine
                work.future.set_result(value)
        finally:
            self._is_working = False


def _refuse_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop is running here, as in a notebook or an async test: AsyncVirtualEngine "
        "is the engine for that"
    )


async def _cancel_others() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def seconds_of(timeout: Any) -> float:
    """Validate a user's timeout."""
    if not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise ValueError(f"timeout: a positive number of seconds, not {timeout!r}")
    return timeout
