"""The async and the sync subscription: they perform the effects of a subscription's flow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import inngest._internal.api.subscription as flow
from inngest._internal.api.subscription import Heard, Message, Ready
from inngest._internal.errors import Error
from inngest._internal.flow import Effect, FetchError, Flow
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver
from inngest._internal.runtime.http_clients import HTTPClients, fetch_error

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

_IS_CLOSED = "this subscription is closed; create a new one"


class Subscription:
    """Messages of a subscription, for an event loop. An async context manager and iterator.

    Messages published within its block are received. If several tasks iterate, each message goes
    to one of them.
    """

    def __init__(self, http: HTTPClients, messages: Flow[Error]) -> None:
        self._http = http
        self._flow = messages
        self._driver = AsyncDriver(http)
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._outcome: object = None
        self._pending: asyncio.Task[object] | None = None
        """The running effect. It is not cancelled with a caller, so that no message is lost."""
        self._lock = asyncio.Lock()
        """Held by the caller that receives the next message."""
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Open the subscription.

        :raises RealtimeError: the server is unreachable, or refuses the subscription.
        :raises RuntimeError: the subscription was closed.
        """
        if self._is_closed:
            raise RuntimeError(_IS_CLOSED)
        try:
            await self._next()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the subscription."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Iterate over the messages. The iteration does not end by itself."""
        return self

    async def __anext__(self) -> Message:
        """Wait for the next message. Cancelling the wait loses no message.

        :raises RealtimeError: the server refuses to continue the subscription.
        """
        async with self._lock:
            while True:
                effect = await self._next()
                if isinstance(effect, Heard):
                    return effect.message

    async def aclose(self) -> None:
        """Close the subscription. Idempotent."""
        self._is_closed = True
        self._flow.close()
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.wait([pending])
        response, self._response, self._chunks = self._response, None, None
        if response is not None:
            await response.aclose()

    async def _next(self) -> Ready | Heard:
        while True:
            if self._pending is None:
                effect = _advance(self._flow, self._outcome)
                if not isinstance(effect, Effect):
                    raise effect or StopAsyncIteration
                self._outcome = None
                if isinstance(effect, (Ready, Heard)):
                    return effect
                self._pending = asyncio.ensure_future(self._perform(effect))
            pending = self._pending
            await asyncio.wait([pending])
            self._pending = None
            if not pending.cancelled():  # by aclose(), which has ended the flow, too
                self._outcome = pending.result()

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case flow.Open():
                return await self._open(effect)
            case flow.Read():
                return await self._read()
            case _:
                return await self._driver.perform(effect)

    async def _open(self, effect: flow.Open) -> int | FetchError:
        if self._response is not None:
            await self._response.aclose()
        opened = await self._http.open_async(effect.request, effect.quiet)
        if isinstance(opened, FetchError):
            return opened
        self._response, self._chunks = opened, opened.aiter_bytes()
        return opened.status_code

    async def _read(self) -> bytes | FetchError | None:
        assert self._chunks is not None
        try:
            return await anext(self._chunks, None)
        except self._http.failures() as error:
            return fetch_error(error)


class SubscriptionSync:
    """Messages of a subscription, for a thread. A context manager and iterator.

    Messages published within its block are received. If several threads iterate, each message
    goes to one of them.
    """

    def __init__(self, http: HTTPClients, messages: Flow[Error]) -> None:
        self._http = http
        self._flow = messages
        self._driver = SyncDriver(http)
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] | None = None
        self._outcome: object = None
        self._lock = threading.RLock()
        """Held by the thread that receives the next message."""
        self._is_closed = False

    def __enter__(self) -> Self:
        """Open the subscription.

        :raises RealtimeError: the server is unreachable, or refuses the subscription.
        :raises RuntimeError: the subscription was closed.
        """
        if self._is_closed:
            raise RuntimeError(_IS_CLOSED)
        try:
            with self._lock:
                self._next()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the subscription."""
        self.close()

    def __iter__(self) -> Self:
        """Iterate over the messages. The iteration does not end by itself."""
        return self

    def __next__(self) -> Message:
        """Wait for the next message.

        :raises RealtimeError: the server refuses to continue the subscription.
        """
        try:
            with self._lock:
                while True:
                    effect = self._next()
                    if isinstance(effect, Heard):
                        return effect.message
        finally:
            if self._is_closed:  # close() on another thread left the cleanup to this one
                self.close()

    def close(self) -> None:
        """Close the subscription, from any thread. Idempotent.

        A thread that waits for a message stops iterating.
        """
        self._is_closed = True
        if not self._lock.acquire(blocking=False):
            response = self._response
            if response is not None:
                self._http.hang_up(response)
            return
        try:
            self._flow.close()
            response, self._response, self._chunks = self._response, None, None
            if response is not None:
                response.close()
        finally:
            self._lock.release()

    def _next(self) -> Ready | Heard:
        while True:
            if self._is_closed:
                self._flow.close()
            effect = _advance(self._flow, self._outcome)
            if not isinstance(effect, Effect):
                raise effect or StopIteration
            self._outcome = None
            match effect:
                case Ready() | Heard():
                    return effect
                case flow.Open():
                    self._outcome = self._open(effect)
                case flow.Read():
                    self._outcome = self._read()
                case _:
                    self._outcome = self._driver.perform(effect)

    def _open(self, effect: flow.Open) -> int | FetchError:
        if self._response is not None:
            self._response.close()
        opened = self._http.open(effect.request, effect.quiet)
        if isinstance(opened, FetchError):
            return opened
        self._response, self._chunks = opened, opened.iter_bytes()
        return opened.status_code

    def _read(self) -> bytes | FetchError | None:
        assert self._chunks is not None
        try:
            return next(self._chunks, None)
        except self._http.failures() as error:
            return fetch_error(error)


def _advance(messages: Flow[Error], outcome: object) -> Effect | Error | None:
    """Return the flow's next effect, or, if the flow has ended, its error or ``None``."""
    try:
        return messages.send(outcome)
    except StopIteration as stop:
        ended: Error | None = stop.value
        return ended


__all__ = ["Subscription", "SubscriptionSync"]
