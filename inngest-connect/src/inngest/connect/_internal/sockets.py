"""One WebSocket: read frames, write small ones first, and close in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy
from websockets.typing import Subprotocol

from inngest.connect._internal.frames import SUBPROTOCOL
from inngest.connect._internal.gateway_url import THIS_MACHINE

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""Several times the largest frame that a gateway sends."""

ABNORMAL = 1006


class _NoRedirects(connect):
    """A client that follows no redirects: the API did not name their targets."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Socket:
    """A client connection, which ``run`` opens. Use all methods on the event loop of ``run``."""

    def __init__(
        self,
        url: str,
        *,
        opened: Callable[[], None],
        received: Callable[[bytes | str], None],
        handshake: float,
        closing: float,
    ) -> None:
        self._url, self._opened, self._received = url, opened, received
        self._handshake, self._closing = handshake, closing
        self._outgoing: asyncio.PriorityQueue[tuple[bool, int, bytes]] = asyncio.PriorityQueue()
        self._count = count()
        self._connection: ClientConnection | None = None

    def send(self, data: bytes, *, is_large: bool = False) -> None:
        """Queue a frame. Small frames overtake large ones; otherwise the order is kept."""
        self._outgoing.put_nowait((is_large, next(self._count), data))

    async def run(self) -> tuple[int, str]:
        """Open the connection and read until it ends. Return its close code and reason."""
        parts = urlsplit(self._url)
        try:
            is_local = parts.hostname in THIS_MACHINE
            connection = await _NoRedirects(
                self._url,
                proxy=None if is_local else True,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=MAX_FRAME_BYTES,
                open_timeout=self._handshake,
                close_timeout=self._closing,
                ping_interval=None,  # the protocol has its own heartbeats
            )
        except Exception as error:  # of many types, from DNS, TLS and HTTP
            where = parts.netloc.rpartition("@")[2]
            return ABNORMAL, f"cannot connect to {where}: {_describe(error)}"[:200]
        self._connection = connection
        writer = asyncio.get_running_loop().create_task(self._write(connection))
        why = ""
        try:
            self._opened()
            async for data in connection:
                self._received(data)
        except ConnectionClosed as closed:
            if closed.rcvd is None and closed.sent is not None:  # e.g. too large a frame
                why = closed.sent.reason
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            connection.transport.abort()
        code = connection.close_code
        return ABNORMAL if code is None else code, connection.close_reason or why

    async def close(self, code: int, reason: str) -> None:
        """Send the queued frames, then close. Abort the connection if the peer does not respond."""
        connection = self._connection
        if connection is None:
            return
        with suppress(asyncio.TimeoutError, ConnectionClosed):
            await asyncio.wait_for(self._outgoing.join(), self._closing)
        with suppress(asyncio.TimeoutError, ConnectionClosed):
            await asyncio.wait_for(connection.close(code, reason), self._closing)
        connection.transport.abort()

    async def _write(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                *_, data = await self._outgoing.get()
                try:
                    await connection.send(data)
                finally:
                    self._outgoing.task_done()


def _describe(error: Exception) -> str:
    if isinstance(error, InvalidProxy):  # its text has the URL, maybe with a password
        return "the environment's proxy cannot be used: set a URL such as http://proxy:3128"
    return f"{type(error).__name__}: {error}"
