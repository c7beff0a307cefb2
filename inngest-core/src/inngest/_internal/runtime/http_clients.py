"""The HTTP clients behind ``Fetch``: made on first use, pooled, closed with their owner."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import socket
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.secret_urls import hide_in_log, unrecorded, veiled

if TYPE_CHECKING:
    import httpx


class HTTPClients:
    """One sync client, and one async client for each event loop that asks.

    An async client belongs to the loop that opened its connections, so a second
    ``asyncio.run`` gets a client of its own. It is closed with its loop: a loop that ends
    closes the generators that were started on it, and one of them holds the client. A
    process that is forked makes its own: two on one connection read each other's answers.

    Responses that are read for as long as they last come from clients of their own, which open
    any number of connections: else those who listen would hold all there are, and nobody could
    make a request any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sync: dict[_Kind, httpx.Client] = {}
        self._async: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[_Kind, _LoopClient]
        ] = weakref.WeakKeyDictionary()
        self._inherited: list[object] = []
        _all.add(self)

    def start_anew(self) -> None:
        """Have no clients yet. Those that a fork brought along are kept open: they are shared."""
        self._inherited += [self._sync, self._async]
        self._lock, self._sync = threading.Lock(), {}
        self._async = weakref.WeakKeyDictionary()

    def fetch(self, request: Request) -> Response | FetchError:
        """Make a request from this thread."""
        try:
            with unrecorded(request.url):
                return _asked(self._sync_client(_Kind.REQUESTS), request)
        except self.failures() as error:
            return failed(error)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        """Make a request on the running loop."""
        try:
            client = await self._async_client(_Kind.REQUESTS).open()
            with unrecorded(request.url):
                return await _asked_async(client, request)
        except self.failures() as error:
            return failed(error)

    def open(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Begin to read a response from this thread; whoever asked closes it.

        :param quiet: seconds that may pass without a byte.
        """
        try:
            client = self._sync_client(_Kind.STREAMS)
            with unrecorded(request.url):
                return client.send(_opening(client, request, quiet), stream=True)
        except self.failures() as error:
            return failed(error)

    async def open_async(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Begin to read a response on the running loop, like :meth:`open`."""
        try:
            client = await self._async_client(_Kind.STREAMS).open()
            with unrecorded(request.url):
                return await client.send(_opening(client, request, quiet), stream=True)
        except self.failures() as error:
            return failed(error)

    @staticmethod
    def hang_up(response: httpx.Response) -> None:
        """End a response while another thread reads it, which then hears its end."""
        sock = response.extensions["network_stream"].get_extra_info("socket")
        with contextlib.suppress(OSError):  # it has ended already
            # Not by the method of an SSL socket: that one takes its state away from the reader.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @staticmethod
    def failures() -> tuple[type[Exception], ...]:
        """What the HTTP library raises when no answer comes, or none that can be read."""
        import httpx

        return httpx.HTTPError, httpx.InvalidURL, OSError

    def close(self) -> None:
        """Close the sync clients. A later request opens a new one."""
        with self._lock:
            clients, self._sync = self._sync, {}
        for client in clients.values():
            client.close()

    async def close_current_loop(self) -> None:
        """Close the running loop's clients. A later request opens a new one."""
        with self._lock:
            clients = self._async.pop(asyncio.get_running_loop(), {})
        for client in clients.values():
            await client.close()

    def _sync_client(self, kind: _Kind) -> httpx.Client:
        import httpx

        from inngest._internal.runtime.proxies import new_client

        with self._lock:
            if kind not in self._sync:
                hide_in_log()
                self._sync[kind] = new_client(httpx.Client, _limits(kind))
            return self._sync[kind]

    def _async_client(self, kind: _Kind) -> _LoopClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            clients = self._async.get(loop)
            if clients is None:
                for closed in [known for known in self._async if known.is_closed()]:
                    del self._async[closed]  # its clients hold on to it
                hide_in_log()
                clients = self._async[loop] = {}
            if kind not in clients:
                clients[kind] = _LoopClient(kind)
            return clients[kind]


class _Kind(enum.Enum):
    """What a client is for."""

    REQUESTS = enum.auto()
    STREAMS = enum.auto()


def _limits(kind: _Kind) -> httpx.Limits:
    import httpx

    if kind is _Kind.STREAMS:
        return httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.Limits(max_connections=100, max_keepalive_connections=20)


_all: weakref.WeakSet[HTTPClients] = weakref.WeakSet()


def _start_all_anew() -> None:
    for clients in list(_all):
        clients.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_anew)


def failed(error: Exception) -> FetchError:
    """That no answer came. Without the frames of it: reports of errors show their variables.

    There the URL with the event key is, and what the request was authorized with.
    """
    links: list[BaseException] = [error]
    for link in links:
        link.__traceback__ = None
        links += [
            cause
            for cause in (link.__cause__, link.__context__)
            if cause is not None and cause not in links
        ]
    return FetchError(error)


class _LoopClient:
    """An async client that ends with the loop on which it was opened."""

    def __init__(self, kind: _Kind) -> None:
        import httpx

        from inngest._internal.runtime.proxies import new_client

        self._client = new_client(httpx.AsyncClient, _limits(kind))
        self._keeper = _keep(self._client)
        self._is_kept = False

    async def open(self) -> httpx.AsyncClient:
        """Return the client, which the loop now knows of."""
        if not self._is_kept:
            self._is_kept = True
            await anext(self._keeper)
        return self._client

    async def close(self) -> None:
        """Close the client before its loop ends."""
        await self._keeper.aclose()
        await self._client.aclose()


async def _keep(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


def _opening(
    client: httpx.Client | httpx.AsyncClient, request: Request, quiet: float
) -> httpx.Request:
    import httpx

    return client.build_request(
        request.method,
        **veiled(request.url),
        headers=_bytes_of(request.headers),
        timeout=httpx.Timeout(request.timeout, read=quiet),
    )


def _asked(client: httpx.Client, request: Request) -> Response:
    import httpx

    from inngest._internal.runtime.reading import Reading

    try:
        with client.stream(**_options(request)) as answer:
            reading = Reading(request.timeout)
            for part in answer.iter_bytes():
                reading.take(part)
            return _response(answer, reading.content)
    except RuntimeError as error:
        if not client.is_closed:
            raise
        raise httpx.ConnectError("another thread has just closed the client") from error


async def _asked_async(client: httpx.AsyncClient, request: Request) -> Response:
    from inngest._internal.runtime.reading import Reading

    async with client.stream(**_options(request)) as answer:
        reading = Reading(request.timeout)
        async for part in answer.aiter_bytes():
            reading.take(part)
        return _response(answer, reading.content)


def _options(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        **veiled(request.url),
        "headers": _bytes_of(request.headers),
        "content": request.body,
        "timeout": request.timeout,
    }


def _bytes_of(headers: Mapping[str, str]) -> httpx.Headers:
    import httpx

    return httpx.Headers(dict(headers), encoding="latin-1")


def _response(answer: httpx.Response, content: bytearray) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(status=answer.status_code, headers=headers, body=bytes(content))
