"""One WebSocket: read until it ends, write what is small first, hang up in bounded time."""

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
"""Several times what a gateway sends at most."""

ABNORMAL = 1006


class _Direct(connect):
    """Follows no redirect: the other place is none that the API has named."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Socket:
    """A connection that is opened by ``run``. All methods belong to the loop of ``run``."""

    def __init__(
        self,
        url: str,
        *,
        opened: Callable[[], None],
        received: Callable[[bytes | str], None],
        handshake: float,
        goodbye: float,
    ) -> None:
        self._url, self._opened, self._received = url, opened, received
        self._handshake, self._goodbye = handshake, goodbye
        self._outgoing: asyncio.PriorityQueue[tuple[bool, int, bytes]] = asyncio.PriorityQueue()
        self._count = count()
        self._connection: ClientConnection | None = None

    def send(self, data: bytes, *, is_large: bool = False) -> None:
        """Send a frame after those before it; what is large after all that is not."""
        self._outgoing.put_nowait((is_large, next(self._count), data))

    async def run(self) -> tuple[int, str]:
        """Open, and read until the end. Returns its code and reason."""
        parts = urlsplit(self._url)
        try:
            is_near = parts.hostname in THIS_MACHINE
            connection = await _Direct(
                self._url,
                proxy=None if is_near else True,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=MAX_FRAME_BYTES,
                open_timeout=self._handshake,
                close_timeout=self._goodbye,
                ping_interval=None,  # heartbeats are the protocol's own
            )
        except Exception as error:  # of many kinds, from DNS to TLS to HTTP
            where = parts.netloc.rpartition("@")[2]
            return ABNORMAL, f"cannot connect to {where}: {_why(error)}"[:200]
        self._connection = connection
        writer = asyncio.get_running_loop().create_task(self._write(connection))
        why = ""
        try:
            self._opened()
            async for data in connection:
                self._received(data)
        except ConnectionClosed as closed:
            if closed.rcvd is None and closed.sent is not None:  # such as for a frame too large
                why = closed.sent.reason
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            connection.transport.abort()
        code = connection.close_code
        return ABNORMAL if code is None else code, connection.close_reason or why

    async def hang_up(self, code: int, reason: str) -> None:
        """Send what is left, then close; a peer that does not answer is left behind."""
        connection = self._connection
        if connection is None:
            return
        with suppress(asyncio.TimeoutError, ConnectionClosed):
            await asyncio.wait_for(self._outgoing.join(), self._goodbye)
        with suppress(asyncio.TimeoutError, ConnectionClosed):
            await asyncio.wait_for(connection.close(code, reason), self._goodbye)
        connection.transport.abort()

    async def _write(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                *_, data = await self._outgoing.get()
                try:
                    await connection.send(data)
                finally:
                    self._outgoing.task_done()


def _why(error: Exception) -> str:
    if isinstance(error, InvalidProxy):  # it shows all of the URL, which may hold a password
        return "the environment's proxy cannot be used: a URL such as http://proxy:3128 is needed"
    return f"{type(error).__name__}: {error}"
