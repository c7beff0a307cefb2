"""A proxy between workers and a gateway that injects the faults of networks and servers.

An armed fault is applied to the next frame or request that it matches. Everything runs on one
event loop, on its own thread; ``arm`` and ``is_done`` may be used from any thread.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from inngest.connect.protocol import SUBPROTOCOL, Frame, decode, wire

from .transports import STOP_SECONDS, LoopServer

Data = bytes | str
HOP_SECONDS = 10.0


@dataclass(eq=False)
class Pipe:
    """One worker's connection through the proxy."""

    worker: ServerConnection
    gateway: ClientConnection
    is_dead: bool = False
    """Neither end hears of the other any more, and neither is told."""

    def cut(self) -> None:
        """Abort both connections without closing handshakes."""
        for end in (self.worker, self.gateway):
            end.transport.abort()

    def freeze(self) -> None:
        self.is_dead = True
        for end in (self.worker, self.gateway):
            with suppress(RuntimeError):  # it is closing already
                end.transport.pause_reading()


@dataclass(eq=False, kw_only=True)
class Fault:
    """A fault for frames of some kinds; without kinds, for any frame."""

    kinds: frozenset[int] = frozenset()
    is_done: bool = False

    def is_for(self, data: Data) -> bool:
        frame = decode(data)
        return not self.kinds or (isinstance(frame, Frame) and frame.kind in self.kinds)

    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        """Apply the fault; return the frames to forward instead of ``data``."""
        raise NotImplementedError


@dataclass(eq=False, kw_only=True)
class Drop(Fault):
    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        return []


@dataclass(eq=False, kw_only=True)
class Duplicate(Fault):
    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        return [data, data]


@dataclass(eq=False, kw_only=True)
class Reorder(Fault):
    """Deliver this frame after the next one."""

    held: Data | None = None

    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        if self.held is None:
            self.held = data
            return []
        self.is_done = True
        return [data, self.held]


@dataclass(eq=False, kw_only=True)
class Delay(Fault):
    seconds: float

    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        await asyncio.sleep(self.seconds)
        return [data]


@dataclass(eq=False, kw_only=True)
class Corrupt(Fault):
    """Corrupt a frame detectably. Undetectable corruption is prevented by TCP and TLS."""

    way: int

    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        assert isinstance(data, bytes)
        envelope = wire.ConnectMessage.FromString(data)
        within = wire.ConnectMessage(kind=envelope.kind, payload=b"\xff" + envelope.payload)
        ways: list[Data] = [b"\xff\xff" + data, data[:-1], "text", within.SerializeToString()]
        return [ways[self.way % len(ways)]]


@dataclass(eq=False, kw_only=True)
class Cut(Fault):
    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        pipe.cut()
        return []


@dataclass(eq=False, kw_only=True)
class HalfOpen(Fault):
    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        pipe.freeze()
        return []


@dataclass(eq=False, kw_only=True)
class CloseWith(Fault):
    code: int
    reason: str = ""

    async def happen(self, pipe: Pipe, data: Data) -> list[Data]:
        self.is_done = True
        asyncio.ensure_future(pipe.worker.close(self.code, self.reason)).add_done_callback(_seen)
        pipe.gateway.transport.abort()
        return []


@dataclass(eq=False, kw_only=True)
class ApiFault:
    """Fail a number of API requests, with a status, or with a lost response if it is ``None``."""

    status: int | None
    left: int
    paths: tuple[str, ...] = ("/v0/connect/start", "/v0/connect/flush")

    @property
    def is_done(self) -> bool:
        return self.left <= 0


class Proxy(LoopServer):
    """Forwards the API on one port and WebSockets on another."""

    def __init__(self, target: str, host: str = "127.0.0.1") -> None:
        super().__init__(socket.create_server((host, 0), backlog=512))
        self._sockets = socket.create_server((host, 0), backlog=512)
        self._target = target
        self._pipes: set[Pipe] = set()
        self._faults: list[Fault] = []
        self._api_faults: list[ApiFault] = []
        self.frames = 0

    @contextmanager
    def working(self) -> Iterator[Proxy]:
        with self.running() as origin:
            self.origin = origin
            yield self

    def endpoint(self, url: str) -> str:
        """Return the proxy's address for a gateway's."""
        host, port = self._sockets.getsockname()
        return urlunsplit(urlsplit(url)._replace(netloc=f"{host}:{port}"))

    def arm(self, *faults: Fault | ApiFault) -> None:
        """Arm faults, which are applied one after another, as soon as possible."""

        async def arm() -> None:
            for fault in faults:
                if isinstance(fault, ApiFault):
                    self._api_faults.append(fault)
                else:
                    self._faults.append(fault)

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(arm(), self._loop).result(STOP_SECONDS)

    async def serve(self) -> None:
        self._http = httpx.AsyncClient(timeout=HOP_SECONDS, trust_env=False)
        api = await asyncio.start_server(self._api, sock=self.listener)
        async with (
            api,
            serve(
                self._connected,
                sock=self._sockets,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                ping_interval=None,
                max_size=None,
                close_timeout=0.2,
            ),
        ):
            await self.until_stopped()
            for pipe in list(self._pipes):
                pipe.cut()
        await self._http.aclose()

    # WebSockets

    async def _connected(self, worker: ServerConnection) -> None:
        request = worker.request
        assert request is not None
        url = f"ws{self._target.removeprefix('http')}{request.path}"
        try:
            gateway = await connect(
                url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                ping_interval=None,
                max_size=None,
                open_timeout=HOP_SECONDS,
                close_timeout=0.2,
            )
        except Exception:  # there is no gateway now
            worker.transport.abort()
            return
        pipe = Pipe(worker, gateway)
        self._pipes.add(pipe)
        ways = [
            asyncio.ensure_future(self._pump(pipe, worker, gateway)),
            asyncio.ensure_future(self._pump(pipe, gateway, worker)),
        ]
        try:
            await asyncio.wait(ways, return_when="FIRST_COMPLETED")
            for end, other in ((worker, gateway), (gateway, worker)):
                if end.close_code is not None and end.close_code != 1006 and not pipe.is_dead:
                    with suppress(ConnectionClosed, asyncio.TimeoutError):
                        await asyncio.wait_for(
                            other.close(end.close_code, end.close_reason or ""), 1
                        )
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            pipe.cut()
            self._pipes.discard(pipe)

    async def _pump(
        self,
        pipe: Pipe,
        source: ServerConnection | ClientConnection,
        sink: ServerConnection | ClientConnection,
    ) -> None:
        with suppress(ConnectionClosed):
            async for data in source:
                self.frames += 1
                for each in await self._through(pipe, data):
                    await sink.send(each)

    async def _through(self, pipe: Pipe, data: Data) -> list[Data]:
        if pipe.is_dead:
            return []
        fault = next((one for one in self._faults if one.is_for(data)), None)
        if fault is None:
            return [data]
        sent = await fault.happen(pipe, data)
        if fault.is_done and fault in self._faults:
            self._faults.remove(fault)
        return sent

    # the API

    async def _api(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, httpx.HTTPError, asyncio.TimeoutError):
            await asyncio.wait_for(self._exchange(reader, writer), 2 * HOP_SECONDS)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        fault = next((one for one in self._api_faults if path in one.paths), None)
        if fault is not None:
            fault.left -= 1
            if fault.is_done:
                self._api_faults.remove(fault)
        if fault is not None and fault.status is not None:
            status, content = fault.status, b"no"
        else:
            kept = {k: v for k, v in headers.items() if k in ("content-type", "authorization")}
            url = self._target + path
            answer = await self._http.request(method, url, content=body, headers=kept)
            status, content = answer.status_code, answer.content
            if fault is not None:  # it has been done, and nobody is told
                return
        writer.write(
            f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n"
            "connection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()


def _seen(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
