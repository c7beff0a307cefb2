"""The two drivers of flows: they perform effects without and with an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias, TypeVar

from inngest._internal.flow import (
    Call,
    Effect,
    Fetch,
    Flow,
    Host,
    Outcome,
    Pause,
    Raised,
    Returned,
    Within,
)
from inngest._internal.runtime.async_run import AsyncRun
from inngest._internal.runtime.drive import drive, drive_async
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.runtime.portal import HostLoop, Portal, PrivateLoop, in_context
from inngest._internal.runtime.stray import as_exception
from inngest._internal.runtime.sync_run import SyncRun
from inngest._internal.runtime.threads import Elsewhere
from inngest._internal.runtime.wraps import within, within_async
from inngest._internal.step.invocation import Invoke, Prepare

T = TypeVar("T")

Wait: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end from sync code, and returns its result."""


class SyncDriver:
    """Performs effects in the calling thread.

    :param wait: runs a coroutine to its end; by default on a new event loop.
    """

    def __init__(
        self, http: HTTPClients, portal: Portal | None = None, wait: Wait | None = None
    ) -> None:
        self._http = http
        self._portal = portal
        self._wait = wait or run_coroutine

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        if self._portal is not None:
            return drive(flow, self.perform)
        with PrivateLoop() as portal:
            return drive(flow, SyncDriver(self._http, portal, self._wait).perform)

    def perform(self, effect: Effect) -> object:
        """Perform one effect and return its outcome."""
        match effect:  # the most frequent first; capture patterns take three times as long
            case Invoke():
                return effect.run.run(effect.ctx)
            case Prepare():
                return SyncRun(effect.invocation, self)
            case Host():
                # In a copy of the context: a call's changes must not leak into the next call.
                run = self._run_on_new_loop if effect.is_async else self.run
                try:
                    return Returned(contextvars.copy_context().run(run, effect.flow))
                except Exception as error:
                    return Raised(error)
            case Call():
                return call(effect.fn, effect.args, self._await)
            case Within():
                return within(effect, self.run, self._needed_portal)
            case Fetch():
                return self._http.fetch(effect.request)
            case Pause():
                time.sleep(effect.seconds)
                return None
            case _:
                raise TypeError(f"no driver performs {type(effect).__name__}")

    @property
    def _needed_portal(self) -> Portal:
        if self._portal is None:
            raise TypeError("only run() prepares a driver for this effect")
        return self._portal

    def _await(self, awaitable: Awaitable[object]) -> object:
        return self._needed_portal.run(_awaited(awaitable))

    def _run_on_new_loop(self, flow: Flow[T]) -> T:
        async def run() -> T:
            try:
                return await AsyncDriver(self._http).run(flow)
            finally:
                await self._http.close_current_loop()

        result: T = self._wait(run())
        return result


class AsyncDriver:
    """Performs effects on the running event loop.

    :param threads: runs sync functions; by default the loop's default executor does.
    """

    def __init__(self, http: HTTPClients, threads: Elsewhere | None = None) -> None:
        self._http = http
        self._threads = threads

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        return await drive_async(flow, self.perform)

    async def perform(self, effect: Effect) -> object:
        """Perform one effect and return its outcome."""
        match effect:  # as above
            case Invoke():
                return await effect.run.run(effect.ctx)
            case Prepare():
                return AsyncRun(effect.invocation, self)
            case Host():
                run = self.run if effect.is_async else self._run_off_loop
                try:  # in a copy of the context, as above
                    return Returned(await in_context(contextvars.copy_context(), run(effect.flow)))
                except Exception as error:
                    return Raised(error)
            case Call():
                if effect.blocks:
                    return await self._run_off_loop(_performing(effect))
                return await call_async(effect.fn, effect.args)
            case Within():
                return await within_async(effect, self.run)
            case Fetch():
                return await self._http.fetch_async(effect.request)
            case Pause():
                await asyncio.sleep(effect.seconds)
                return None
            case _:
                raise TypeError(f"no driver performs {type(effect).__name__}")

    async def _run_off_loop(self, flow: Flow[T]) -> T:
        portal = HostLoop(asyncio.get_running_loop())
        if self._threads is None:
            return await asyncio.to_thread(SyncDriver(self._http, portal).run, flow)
        if self._threads.limit == 0:  # on the loop's thread; a HostLoop would deadlock there
            return SyncDriver(self._http).run(flow)
        return await self._threads.run(partial(SyncDriver(self._http, portal).run, flow))


def call(
    fn: Callable[..., object],
    args: tuple[object, ...],
    wait: Callable[[Awaitable[object]], object],
) -> Outcome[object]:
    """Call user code in this thread; ``wait`` resolves an awaitable that it returns."""
    try:
        value = fn(*args)
        return Returned(wait(value) if inspect.isawaitable(value) else value)
    except BaseException as error:
        return Raised(as_exception(error))


async def call_async(fn: Callable[..., object], args: tuple[object, ...]) -> Outcome[object]:
    """Call user code on the running loop."""
    try:
        value = fn(*args)
        return Returned(await value if inspect.isawaitable(value) else value)
    except BaseException as error:
        return Raised(as_exception(error, is_on_loop=True))


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code, on a new event loop."""
    with PrivateLoop() as portal:
        return portal.run(coroutine)


def _performing(effect: Effect) -> Flow[Any]:
    return (yield effect)


async def _awaited(value: Awaitable[T]) -> T:
    return await value


__all__ = [
    "AsyncDriver",
    "SyncDriver",
    "Wait",
    "run_coroutine",
]
