"""Await something from sync code: on the loop that the thread works for, or on one's own.

A portal runs a coroutine in a context that its caller gives, and what the coroutine sets in
that context is seen by the caller afterwards, as if it had been called.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import wait
from types import TracebackType, coroutine
from typing import Any, Protocol, TypeVar

from typing_extensions import Self

from inngest._internal.runtime.greenlets import RealThread, threads_are_greenlets

T = TypeVar("T")

CLOSING_SECONDS = 1.0
"""How long tasks that a call left behind may take to end with their loop."""

LOOK_SECONDS = 1.0
"""How often a thread that awaits looks whether there still is a loop."""

_MISSING = object()


class Portal(Protocol):
    """Where a thread awaits."""

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Await ``coroutine``, in ``context`` or a copy of the caller's."""
        ...


class PrivateLoop:
    """A loop that exists while it is needed, on the thread that asks.

    A thread that runs another loop cannot run this one too: there a helper thread does. So
    does one for greenlets, whose loops would all be on one thread.
    """

    # Most calls need none: it is to cost them nothing.
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: RealThread | None = None

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Await ``coroutine`` on this loop, which stands still in between."""
        if self._loop is None:
            self._thread = RealThread.take() if threads_are_greenlets() else None
            self._loop = self._on_free_thread(asyncio.new_event_loop)
        loop, context = self._loop, contextvars.copy_context() if context is None else context
        try:
            return self._on_free_thread(
                lambda: loop.run_until_complete(in_context(context, coroutine))
            )
        finally:
            adopt(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop, self._loop = self._loop, None
        try:
            if loop is not None:
                self._on_free_thread(lambda: close_loop(loop))
        finally:
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.give_back()

    def _on_free_thread(self, work: Callable[[], T]) -> T:
        return on_free_thread(work) if self._thread is None else _by(self._thread.do, work)


class HostLoop:
    """The loop of an async framework, which waits for this thread's work."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Await ``coroutine`` on the framework's loop, from another thread.

        :raises RuntimeError: the loop has been closed before the coroutine came to its end.
        """
        context = contextvars.copy_context() if context is None else context
        work = in_context(context, coroutine)
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            while not wait([future], LOOK_SECONDS).done:
                if self._loop.is_closed():  # a server that ends leaves behind what goes on
                    raise RuntimeError("the event loop of this call has been closed")
            return future.result()
        finally:
            if self._loop.is_closed():
                _drop(work, coroutine)
            adopt(context)


def _drop(*works: Coroutine[Any, Any, Any]) -> None:
    """End what has not begun, and never will: Python warns of coroutines that nobody awaited."""
    for work in works:
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
            work.close()


def run_at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine awaits something, which needs a loop")


@coroutine
def _each_step_in(
    context: contextvars.Context, work: Coroutine[Any, Any, T]
) -> Generator[Any, Any, T]:
    resume: Callable[[Any], Any] = work.send
    sent: Any = None
    while True:
        try:
            awaited = context.run(resume, sent)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            resume, sent = work.send, (yield awaited)
        except BaseException as error:
            resume, sent = work.throw, error


async def in_context(context: contextvars.Context, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` with each of its steps in ``context``, whatever the task's is."""
    result: T = await _each_step_in(context, work)
    return result


def adopt(context: contextvars.Context) -> None:
    """Set every variable here as it is in ``context``."""
    for variable, value in context.items():
        if variable.get(_MISSING) is not value:
            variable.set(value)


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop, and what was left on it, in bounded time.

    ``asyncio.run`` would wait for ever for a task that ignores its end, and for a thread that
    nobody waits for any more: such a thread goes on by itself.
    """
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=CLOSING_SECONDS))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def on_free_thread(work: Callable[[], T]) -> T:
    """Do ``work``, which runs a loop: here, unless this thread runs one already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass  # work outside this block: it would be the context of every error
    else:
        return _by(_in_thread, work)
    return work()


def _by(do: Callable[[Callable[[], None]], object], work: Callable[[], T]) -> T:
    """Have work done elsewhere, in a copy of this context."""
    outcome: list[T] = []
    failure: list[BaseException] = []
    context = contextvars.copy_context()

    def target() -> None:
        try:
            outcome.append(context.run(work))
        except BaseException as error:
            failure.append(error)

    do(target)
    if failure:
        raise failure[0]
    return outcome[0]


def _in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name="inngest-async")
    thread.start()
    thread.join()


__all__ = [
    "HostLoop",
    "Portal",
    "PrivateLoop",
    "adopt",
    "close_loop",
    "in_context",
    "on_free_thread",
    "run_at_once",
]
