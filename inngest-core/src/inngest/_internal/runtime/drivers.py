"""The two drivers of flows: what a flow asks for, done with and without an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from inngest._internal.errors import UnknownError
from inngest._internal.flow import (
    Call,
    Effect,
    Fetch,
    FetchError,
    Flow,
    Outcome,
    Pause,
    Raised,
    Response,
    Returned,
)
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.step.invocation import Invocation

T = TypeVar("T")

CLOSING_SECONDS = 1.0
"""How long tasks that a call left behind may take to end with their loop."""


def drive(flow: Flow[T], perform: Callable[[Effect], object]) -> T:
    """Run a flow to its end, performing each effect in the calling thread."""
    outcome: object = None
    try:
        while True:
            outcome = perform(flow.send(outcome))
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


async def drive_async(flow: Flow[T], perform: Callable[[Effect], Awaitable[object]]) -> T:
    """Run a flow to its end, awaiting each effect."""
    outcome: object = None
    try:
        while True:
            try:
                effect = flow.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            outcome = await perform(effect)
    finally:
        flow.close()


class SyncDriver:
    """Performs effects in the calling thread."""

    def __init__(self, http: HTTPClients) -> None:
        self._http = http

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return drive(flow, self.perform)

    def perform(self, effect: Effect) -> object:
        """Perform one effect and return its outcome."""
        match effect:
            case Call(fn, args):
                return call(fn, args, run_coroutine)
            case Fetch(request):
                return self._http.fetch(request)
            case Pause(seconds):
                time.sleep(seconds)
                return None
            case Invocation(is_async=True):
                return run_coroutine(self._invoke_async(effect))
            case Invocation():
                from inngest._internal.runtime.sync_run import SyncRun

                return SyncRun(effect, self).run()
            case _:
                raise TypeError(f"no driver performs {type(effect).__name__}")

    async def _invoke_async(self, invocation: Invocation) -> object:
        try:
            return await AsyncDriver(self._http).perform(invocation)
        finally:
            await self._http.close_current_loop()


class AsyncDriver:
    """Performs effects on the running event loop."""

    def __init__(self, http: HTTPClients) -> None:
        self._http = http

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return await drive_async(flow, self.perform)

    async def perform(self, effect: Effect) -> object:
        """Perform one effect and return its outcome."""
        match effect:
            case Call(fn, args):
                return await call_async(fn, args)
            case Fetch(request):
                return await self._http.fetch_async(request)
            case Pause(seconds):
                await asyncio.sleep(seconds)
                return None
            case Invocation(is_async=True):
                from inngest._internal.runtime.async_run import AsyncRun

                return await AsyncRun(effect, self).run()
            case Invocation():
                return await asyncio.to_thread(SyncDriver(self._http).perform, effect)
            case _:
                raise TypeError(f"no driver performs {type(effect).__name__}")


def call(
    fn: Callable[..., object],
    args: tuple[object, ...],
    wait: Callable[[Coroutine[Any, Any, object]], object],
) -> Outcome[object]:
    """Call user code in this thread; ``wait`` finishes a coroutine, should it give one."""
    try:
        value = fn(*args)
        return Returned(wait(_awaited(value)) if inspect.isawaitable(value) else value)
    except Exception as error:
        return Raised(error)
    except SystemExit:
        return Raised(exit_error())
    except asyncio.CancelledError:  # of a loop that user code ran: this thread has none
        return Raised(cancel_error())


async def call_async(fn: Callable[..., object], args: tuple[object, ...]) -> Outcome[object]:
    """Call user code on this loop."""
    try:
        value = fn(*args)
        return Returned(await value if inspect.isawaitable(value) else value)
    except Exception as error:
        return Raised(error)
    except SystemExit:
        return Raised(exit_error())
    except asyncio.CancelledError:
        if _is_being_cancelled():
            raise
        return Raised(cancel_error())


def _is_being_cancelled() -> bool:
    """Whether somebody asked this task to end. Python 3.10 does not tell: then yes."""
    task = asyncio.current_task()
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or bool(cancelling())


def exit_error() -> UnknownError:
    """What becomes of ``sys.exit()`` in user code: it does not end the server."""
    return UnknownError("the code called sys.exit(); return or raise an exception instead")


def cancel_error() -> UnknownError:
    """What becomes of a cancellation that nobody but user code asked for."""
    return UnknownError("the code was cancelled by itself")


async def _awaited(value: Awaitable[T]) -> T:
    return await value


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code, on an event loop of its own.

    A thread that already runs a loop cannot run another, so there a helper thread does
    it, with this thread's context variables.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass  # run it outside this block: it would be the context of every error
    else:
        return _run_in_thread(lambda: _run_on_new_loop(coroutine))
    return _run_on_new_loop(coroutine)


def _run_on_new_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Like ``asyncio.run``, which would wait for ever for a task that ignores its end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        try:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left, timeout=CLOSING_SECONDS))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _run_in_thread(work: Callable[[], T]) -> T:
    outcome: list[T] = []
    failure: list[BaseException] = []
    context = contextvars.copy_context()

    def target() -> None:
        try:
            outcome.append(context.run(work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=target, name="inngest-async")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


__all__ = [
    "AsyncDriver",
    "FetchError",
    "Response",
    "SyncDriver",
    "call",
    "call_async",
    "cancel_error",
    "drive",
    "drive_async",
    "exit_error",
    "run_coroutine",
]
