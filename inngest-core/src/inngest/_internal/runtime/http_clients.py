"""The HTTP clients behind ``Fetch``: made on first use, pooled, closed with their owner."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.hosts import THIS_MACHINE

if TYPE_CHECKING:
    import httpx

_DIRECT: Final = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}
"""What runs here, such as a dev server, is not behind the environment's proxy."""
_SECRET = re.compile(r"(/e/|[?&]token=)[^/?&#\s]+")


class HTTPClients:
    """One sync client, and one async client for each event loop that asks.

    An async client belongs to the loop that opened its connections, so a second
    ``asyncio.run`` gets a client of its own. It is closed with its loop: a loop that ends
    closes the generators that were started on it, and one of them holds the client. A
    process that is forked makes its own: two on one connection read each other's answers.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        self._async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClient] = (
            weakref.WeakKeyDictionary()
        )
        self._inherited: list[object] = []
        _all.add(self)

    def start_anew(self) -> None:
        """Have no clients yet. Those that a fork brought along are kept open: they are shared."""
        self._inherited += [self._sync, self._async]
        self._lock, self._sync = threading.Lock(), None
        self._async = weakref.WeakKeyDictionary()

    def fetch(self, request: Request) -> Response | FetchError:
        """Make a request from this thread."""
        try:
            client = self._sync_client()
            answer = client.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=request.timeout,
            )
        except self.failures() as error:
            return failed(error)
        return _response(answer)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        """Make a request on the running loop."""
        try:
            client = await self._async_client().open()
            answer = await client.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=request.timeout,
            )
        except self.failures() as error:
            return failed(error)
        return _response(answer)

    def open(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Begin to read a response from this thread; whoever asked closes it.

        :param quiet: seconds that may pass without a byte.
        """
        try:
            client = self._sync_client()
            return client.send(_opening(client, request, quiet), stream=True)
        except self.failures() as error:
            return failed(error)

    async def open_async(self, request: Request, quiet: float) -> httpx.Response | FetchError:
        """Begin to read a response on the running loop, like :meth:`open`."""
        try:
            client = await self._async_client().open()
            return await client.send(_opening(client, request, quiet), stream=True)
        except self.failures() as error:
            return failed(error)

    @staticmethod
    def failures() -> tuple[type[Exception], ...]:
        """What the HTTP library raises when no answer comes, or none that can be read."""
        import httpx

        return httpx.HTTPError, httpx.InvalidURL, OSError

    def close(self) -> None:
        """Close the sync client. A later request opens a new one."""
        with self._lock:
            client, self._sync = self._sync, None
        if client is not None:
            client.close()

    async def close_current_loop(self) -> None:
        """Close the running loop's client. A later request opens a new one."""
        with self._lock:
            client = self._async.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _sync_client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._sync is None:
                hide_event_keys()
                self._sync = httpx.Client(mounts=_DIRECT)
            return self._sync

    def _async_client(self) -> _LoopClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            client = self._async.get(loop)
            if client is None:
                for closed in [known for known in self._async if known.is_closed()]:
                    del self._async[closed]  # its client holds on to it
                hide_event_keys()
                client = self._async[loop] = _LoopClient()
            return client


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

    def __init__(self) -> None:
        import httpx

        self._client = httpx.AsyncClient(mounts=_DIRECT)
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
        request.url,
        headers=dict(request.headers),
        timeout=httpx.Timeout(request.timeout, read=quiet),
    )


def _response(answer: httpx.Response) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(status=answer.status_code, headers=headers, body=answer.content)


class EventKeyFilter(logging.Filter):
    """Keeps event keys and tokens, which are part of a URL, out of httpx's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's arguments; keep the record."""
        if isinstance(record.args, tuple):
            record.args = tuple(_hide(argument) for argument in record.args)
        return True


def _hide(argument: object) -> object:
    text = str(argument) if type(argument).__name__ == "URL" else argument
    return _SECRET.sub(r"\1***", text) if isinstance(text, str) else argument


def hide_event_keys() -> None:
    """Install the filter on httpx's logger, once."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(known, EventKeyFilter) for known in logger.filters):
        logger.addFilter(EventKeyFilter())
