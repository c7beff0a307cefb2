"""The HTTP clients behind ``Fetch``: created on first use, pooled, and closed with their owner."""

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
from inngest._internal.runtime.secret_urls import install_log_filter, masked, suppress_tracing

if TYPE_CHECKING:
    import httpx


class HTTPClients:
    """One sync client, and an async client for each event loop.

    An async client is bound to the loop on which it opened connections, so a second
    ``asyncio.run`` gets a new client. A loop's client is closed when the loop shuts down its
    async generators, one of which owns it. A forked process creates new clients, since two
    processes on one connection would read each other's responses.

    Streaming responses have their own clients, without a connection limit: long-lived streams
    would otherwise exhaust the pool, and block all other requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sync: dict[_Kind, httpx.Client] = {}
        self._async: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[_Kind, _LoopClient]
        ] = weakref.WeakKeyDictionary()
        self._inherited: list[object] = []
        _instances.add(self)

    def reset_after_fork(self) -> None:
        """Forget all clients. The parent's connections are kept open, as the parent uses them."""
        self._inherited += [self._sync, self._async]
        self._lock, self._sync = threading.Lock(), {}
        self._async = weakref.WeakKeyDictionary()

    def fetch(self, request: Request) -> Response | FetchError:
        """Make a request in the calling thread."""
        try:
            with suppress_tracing(request.url):
                return _fetch(self._sync_client(_Kind.REQUESTS), request)
        except self.failures() as error:
            return fetch_error(error)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        """Make a request on the running event loop."""
        try:
            client = await self._async_client(_Kind.REQUESTS).open()
            with suppress_tracing(request.url):
                return await _fetch_async(client, request)
        except self.failures() as error:
            return fetch_error(error)

    def open(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Start to read a streaming response in the calling thread. The caller must close it.

        :param quiet: the maximum number of seconds without a byte.
        """
        try:
            client = self._sync_client(_Kind.STREAMS)
            with suppress_tracing(request.url):
                return client.send(_stream_request(client, request, quiet), stream=True)
        except self.failures() as error:
            return fetch_error(error)

    async def open_async(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Start to read a streaming response on the running event loop; see :meth:`open`."""
        try:
            client = await self._async_client(_Kind.STREAMS).open()
            with suppress_tracing(request.url):
                return await client.send(_stream_request(client, request, quiet), stream=True)
        except self.failures() as error:
            return fetch_error(error)

    @staticmethod
    def hang_up(response: httpx.Response) -> None:
        """Shut down the connection of a response, so that a thread reading it returns."""
        sock = response.extensions["network_stream"].get_extra_info("socket")
        with contextlib.suppress(OSError):  # already disconnected
            # Not SSLSocket.shutdown(), which drops the TLS state that the reading thread uses.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @staticmethod
    def failures() -> tuple[type[Exception], ...]:
        """The exceptions that HTTPX raises if there is no response or it cannot be read."""
        import httpx

        return httpx.HTTPError, httpx.InvalidURL, OSError

    def close(self) -> None:
        """Close the sync clients. A later request creates new ones."""
        with self._lock:
            clients, self._sync = self._sync, {}
        for client in clients.values():
            client.close()

    async def close_current_loop(self) -> None:
        """Close the running loop's clients. A later request creates new ones."""
        with self._lock:
            clients = self._async.pop(asyncio.get_running_loop(), {})
        for client in clients.values():
            await client.close()

    def _sync_client(self, kind: _Kind) -> httpx.Client:
        import httpx

        from inngest._internal.runtime.proxies import new_client

        with self._lock:
            if kind not in self._sync:
                install_log_filter()
                self._sync[kind] = new_client(httpx.Client, _limits(kind))
            return self._sync[kind]

    def _async_client(self, kind: _Kind) -> _LoopClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            clients = self._async.get(loop)
            if clients is None:
                for closed in [each for each in self._async if each.is_closed()]:
                    del self._async[closed]  # weak keys are not enough: clients refer to the loop
                install_log_filter()
                clients = self._async[loop] = {}
            if kind not in clients:
                clients[kind] = _LoopClient(kind)
            return clients[kind]


class _Kind(enum.Enum):
    """The purpose of a client."""

    REQUESTS = enum.auto()
    STREAMS = enum.auto()


def _limits(kind: _Kind) -> httpx.Limits:
    import httpx

    if kind is _Kind.STREAMS:
        return httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.Limits(max_connections=100, max_keepalive_connections=20)


_instances: weakref.WeakSet[HTTPClients] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for clients in list(_instances):
        clients.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all_after_fork)


def fetch_error(error: Exception) -> FetchError:
    """Wrap an error, without its traceback and those of its causes.

    Error trackers record the variables of frames, which include the event key in the URL and the
    ``Authorization`` header.
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
    """An async client that is closed with the loop on which it was opened."""

    def __init__(self, kind: _Kind) -> None:
        import httpx

        from inngest._internal.runtime.proxies import new_client

        self._client = new_client(httpx.AsyncClient, _limits(kind))
        self._keeper = _keep(self._client)
        self._is_kept = False

    async def open(self) -> httpx.AsyncClient:
        """Return the client; on first use, register it to be closed with the running loop."""
        if not self._is_kept:
            self._is_kept = True
            await anext(self._keeper)
        return self._client

    async def close(self) -> None:
        """Close the client before its loop is closed."""
        await self._keeper.aclose()
        await self._client.aclose()


async def _keep(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


def _stream_request(
    client: httpx.Client | httpx.AsyncClient, request: Request, quiet: float
) -> httpx.Request:
    import httpx

    return client.build_request(
        request.method,
        **masked(request.url),
        headers=_latin1_headers(request.headers),
        timeout=httpx.Timeout(request.timeout, read=quiet),
    )


def _fetch(client: httpx.Client, request: Request) -> Response:
    import httpx

    from inngest._internal.runtime.reading import BoundedBody

    try:
        with client.stream(**_options(request)) as response:
            body = BoundedBody(request.timeout)
            for chunk in response.iter_bytes():
                body.add(chunk)
            return _response(response, body.content)
    except RuntimeError as error:
        if not client.is_closed:
            raise
        raise httpx.ConnectError("another thread has just closed the client") from error


async def _fetch_async(client: httpx.AsyncClient, request: Request) -> Response:
    from inngest._internal.runtime.reading import BoundedBody

    async with client.stream(**_options(request)) as response:
        body = BoundedBody(request.timeout)
        async for chunk in response.aiter_bytes():
            body.add(chunk)
        return _response(response, body.content)


def _options(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        **masked(request.url),
        "headers": _latin1_headers(request.headers),
        "content": request.body,
        "timeout": request.timeout,
    }


def _latin1_headers(headers: Mapping[str, str]) -> httpx.Headers:
    import httpx

    return httpx.Headers(dict(headers), encoding="latin-1")


def _response(response: httpx.Response, content: bytearray) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(status=response.status_code, headers=headers, body=bytes(content))
