"""The two faces of a subscription: what its flow asks for, done with and without a loop."""

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
from inngest._internal.runtime.http_clients import HTTPClients, failed

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

_IS_CLOSED = "this subscription is closed; subscribe anew"


class Subscription:
    """Messages as they come, on an event loop. An async context manager.

    Within its block everything that is published is heard. Several tasks may take messages:
    each message goes to one of them.
    """

    def __init__(self, http: HTTPClients, messages: Flow[Error]) -> None:
        self._http = http
        self._flow = messages
        self._driver = AsyncDriver(http)
        self._response: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._outcome: object = None
        self._pending: asyncio.Task[object] | None = None
        """What is under way. It goes on when nobody waits for it: no message is lost thereby."""
        self._turn = asyncio.Lock()
        """Whose holder takes the next message."""
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Begin to listen.

        :raises RealtimeError: the server cannot be reached, or refuses.
        :raises RuntimeError: it is closed.
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
        """Stop listening."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Go through the messages, which have no end."""
        return self

    async def __anext__(self) -> Message:
        """Wait for the next message. Who gives up waiting can come back, and misses none.

        :raises RealtimeError: it is refused to listen any longer.
        """
        async with self._turn:
            while True:
                effect = await self._next()
                if isinstance(effect, Heard):
                    return effect.message

    async def aclose(self) -> None:
        """Stop listening. Again is harmless."""
        self._is_closed = True
        self._flow.close()
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
            await asyncio.wait([pending])
        response, self._response, self._pieces = self._response, None, None
        if response is not None:
            await response.aclose()

    async def _next(self) -> Ready | Heard:
        while True:
            if self._pending is None:
                effect = _asked(self._flow, self._outcome)
                if not isinstance(effect, Effect):
                    raise effect or StopAsyncIteration
                self._outcome = None
                if isinstance(effect, (Ready, Heard)):
                    return effect
                self._pending = asyncio.ensure_future(self._perform(effect))
            pending = self._pending
            await asyncio.wait([pending])
            self._pending = None
            if not pending.cancelled():  # by aclose(): then the flow has ended, too
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
        self._response, self._pieces = opened, opened.aiter_bytes()
        return opened.status_code

    async def _read(self) -> bytes | FetchError | None:
        assert self._pieces is not None
        try:
            return await anext(self._pieces, None)
        except self._http.failures() as error:
            return failed(error)


class SubscriptionSync:
    """Messages as they come, in the thread that waits for them. A context manager.

    Within its block everything that is published is heard. Several threads may take messages:
    each message goes to one of them.
    """

    def __init__(self, http: HTTPClients, messages: Flow[Error]) -> None:
        self._http = http
        self._flow = messages
        self._driver = SyncDriver(http)
        self._response: httpx.Response | None = None
        self._pieces: Iterator[bytes] | None = None
        self._outcome: object = None
        self._turn = threading.RLock()
        """Whose holder takes the next message."""
        self._is_closed = False

    def __enter__(self) -> Self:
        """Begin to listen.

        :raises RealtimeError: the server cannot be reached, or refuses.
        :raises RuntimeError: it is closed.
        """
        if self._is_closed:
            raise RuntimeError(_IS_CLOSED)
        try:
            with self._turn:
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
        """Stop listening."""
        self.close()

    def __iter__(self) -> Self:
        """Go through the messages, which have no end."""
        return self

    def __next__(self) -> Message:
        """Wait for the next message.

        :raises RealtimeError: it is refused to listen any longer.
        """
        try:
            with self._turn:
                while True:
                    effect = self._next()
                    if isinstance(effect, Heard):
                        return effect.message
        finally:
            if self._is_closed:  # by a thread that left the rest to this one
                self.close()

    def close(self) -> None:
        """Stop listening. Again is harmless.

        From any thread: one that waits for a message hears the end.
        """
        self._is_closed = True
        if not self._turn.acquire(blocking=False):
            response = self._response
            if response is not None:
                self._http.hang_up(response)
            return
        try:
            self._flow.close()
            response, self._response, self._pieces = self._response, None, None
            if response is not None:
                response.close()
        finally:
            self._turn.release()

    def _next(self) -> Ready | Heard:
        while True:
            if self._is_closed:
                self._flow.close()
            effect = _asked(self._flow, self._outcome)
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
        self._response, self._pieces = opened, opened.iter_bytes()
        return opened.status_code

    def _read(self) -> bytes | FetchError | None:
        assert self._pieces is not None
        try:
            return next(self._pieces, None)
        except self._http.failures() as error:
            return failed(error)


def _asked(messages: Flow[Error], outcome: object) -> Effect | Error | None:
    """What the flow asks for next. An error or nothing: it has ended."""
    try:
        return messages.send(outcome)
    except StopIteration as stop:
        ended: Error | None = stop.value
        return ended


__all__ = ["Subscription", "SubscriptionSync"]
