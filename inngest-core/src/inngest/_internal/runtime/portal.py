"""Await coroutines from sync code: on the event loop that the thread serves, or on a new one.

A portal runs a coroutine in a context given by its caller. Context variables that the coroutine
sets are visible to the caller afterwards, as with an ordinary call.
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
"""How long tasks left on a loop may take to end once they are cancelled."""

LOOK_SECONDS = 1.0
"""How often a waiting thread checks whether the loop has been closed."""

_MISSING = object()


class Portal(Protocol):
    """Runs coroutines for a thread."""

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Run ``coroutine`` to its end in ``context``, by default a copy of the caller's."""
        ...


class PrivateLoop:
    """An event loop created on demand, on the calling thread.

    If that thread is running another loop, a helper thread runs this one. A native helper thread
    also runs it for greenlets, which would otherwise run their loops on the same thread.
    """

    # Class attributes: most calls need no loop, and should not pay for one.
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: RealThread | None = None

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Run ``coroutine`` to its end. The loop does not run between calls."""
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
    """The event loop of an async framework, which waits for the calling thread's work."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Run ``coroutine`` to its end on the framework's loop, from another thread.

        :raises RuntimeError: the loop was closed before the coroutine ended.
        """
        context = contextvars.copy_context() if context is None else context
        work = in_context(context, coroutine)
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            while not wait([future], LOOK_SECONDS).done:
                if self._loop.is_closed():  # servers may shut down while threads are busy
                    raise RuntimeError("the event loop of this call has been closed")
            return future.result()
        finally:
            if self._loop.is_closed():
                _drop(work, coroutine)
            adopt(context)


def _drop(*works: Coroutine[Any, Any, Any]) -> None:
    """Close coroutines that never started: Python warns about those that were never awaited."""
    for work in works:
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
            work.close()


def run_at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends; raise ``RuntimeError`` if it does."""
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
    """Await ``work``, running each of its steps in ``context`` instead of the task's."""
    result: T = await _each_step_in(context, work)
    return result


def adopt(context: contextvars.Context) -> None:
    """Copy all variables of ``context`` into the current context."""
    for variable, value in context.items():
        if variable.get(_MISSING) is not value:
            variable.set(value)


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop and cancel its tasks, in bounded time.

    Unlike ``asyncio.run``, it does not wait for tasks that ignore cancellation, nor for threads
    of the default executor, which run to their end by themselves.
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
    """Call ``work``, which runs a loop: on this thread, unless it is running one already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass  # work is called below, so that its errors do not get this one as __context__
    else:
        return _by(_in_thread, work)
    return work()


def _by(do: Callable[[Callable[[], None]], object], work: Callable[[], T]) -> T:
    """Call ``work`` by means of ``do``, in a copy of the current context."""
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
