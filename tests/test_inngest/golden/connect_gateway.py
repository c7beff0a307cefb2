"""Replay recorded workers against our gateway, in virtual time."""

from __future__ import annotations

import asyncio
import re
import selectors
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from google.protobuf.message import Message

from inngest.connect.protocol import Frame, Malformed, decode, encode, parse, wire
from inngest.dev import Engine
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.clock import Agenda

from .connect_recordings import FLUSH, START, Entry, entries_of, flat
from .differences import ABSENT
from .engine_replay import RENAMED, UNCOMPARED
from .replay import Flat, _flat, _short

EPOCH: Final = 1_795_394_429_000
"""The time of the engine at a recording's beginning, in milliseconds; none tells it."""
LIMIT: Final = 150.0
"""Seconds, none of them real, that anything may be waited for: longer than a lease."""
EARLY: Final = 31.0
LATER: Final = 0.5
"""Seconds that a call may come before it is recorded, as ours has no jitter, and after it."""

NAMES: Final = ("request_id", "lease_id", "connection_id", "session_token")
"""Fields of what a worker says that hold what the gateway has chosen."""
CHOSEN: Final = {
    **RENAMED,
    r"(new_)?lease_id|(request|run|job|function|app|connection)_id|session_token": "chosen by it",
}
SILENT: Final = {
    **UNCOMPARED,
    r"(system|user)_trace_ctx\..*": "random ids for traces; ours has no trace state",
}


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop that advances its clock instead of waiting, for code without real I/O."""

    def __init__(self) -> None:
        self._now = 0.0
        loop = self

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list[Any]:
                if timeout is None:
                    raise RuntimeError("nothing will ever happen")
                loop._now += timeout
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self._now


class LoopClock:
    """An engine's clock that shows the loop's time."""

    def now(self) -> int:
        return EPOCH + round(asyncio.get_running_loop().time() * 1000)

    async def wait(self, wake: asyncio.Event, agenda: Agenda) -> None:
        due = agenda.next_due()
        timeout = None if due is None else max(due - self.now(), 0) / 1000
        try:
            await asyncio.wait_for(wake.wait(), timeout)
        except asyncio.TimeoutError:
            return


class Socket:
    """The client side of a WebSocket that an ASGI app serves."""

    def __init__(self, app: Any, url: str, offered: str) -> None:
        self.frames: list[tuple[float, Frame]] = []
        """What came, and when, until it is taken."""
        self.closed: tuple[int, str] | None = None
        self.selected: str | None = None
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._change = asyncio.Event()
        parts = urlsplit(url)
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [],
            "subprotocols": [offered] if offered else [],
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        app = app(scope, self._to_app.get, self._send)
        self._task = asyncio.get_running_loop().create_task(app)

    def push(self, data: bytes) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": data})

    async def take(self, fits: Callable[[Frame], bool]) -> tuple[float, Frame] | None:
        """Return the first matching frame, once it has been received."""
        await self.until(lambda: any(fits(frame) for _, frame in self.frames))
        for one in self.frames:
            if fits(one[1]):
                self.frames.remove(one)
                return one
        return None

    async def until(self, is_so: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not is_so():
                self._change.clear()
                await self._change.wait()

        try:
            await asyncio.wait_for(wait(), LIMIT)
        except asyncio.TimeoutError:
            return

    async def leave(self, code: int = 1000) -> None:
        if self.closed is None:
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code})
        await self._task

    async def _send(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.accept":
                self.selected = message.get("subprotocol")
            case "websocket.send":
                frame = decode(message["bytes"])
                assert isinstance(frame, Frame)
                self.frames.append((asyncio.get_running_loop().time(), frame))
            case "websocket.close":
                self.closed = message["code"], message.get("reason") or ""
        self._change.set()


@dataclass(frozen=True, kw_only=True)
class GatewayPlan:
    """What a recording does not contain, and the known differences of our gateway."""

    signing_key: str | None = None
    sockets: Mapping[int, int] = field(default_factory=dict)
    """The socket of an entry, by the index of its opening, where it is not the last opened."""
    endpoints: Mapping[int, str] = field(default_factory=dict)
    """Where a socket is opened, if not where the API said last."""
    unlike: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    """What ours has at a path, which begins with the index of the entry, and why."""


@dataclass(kw_only=True)
class GatewayReplay:
    """Replays one recording; ``problems`` then lists the differences."""

    name: str
    plan: GatewayPlan
    problems: list[str] = field(default_factory=list)
    compared: int = 0
    used: set[str] = field(default_factory=set)
    _ours: dict[tuple[str, object], object] = field(default_factory=dict)
    _theirs: dict[tuple[str, object], object] = field(default_factory=dict)
    _sockets: dict[int, Socket] = field(default_factory=dict)
    _endpoint: str = ""

    def run(self) -> None:
        loop = SkippingLoop()
        try:
            loop.run_until_complete(self._run())
        finally:
            loop.close()

    async def _run(self) -> None:
        engine = Engine(clock=LoopClock(), jitter=lambda: 0.0, signing_key=self.plan.signing_key)
        await engine.start()
        self._app = build_app(engine)
        self._engine = engine
        transport = httpx.ASGITransport(self._app)
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as http:
            self._http = http
            for entry in entries_of(self.name):
                await asyncio.sleep(max(0.0, entry.at - loop.time()))
                await self._play(entry)
            for opened, socket in self._sockets.items():
                await socket.leave()
                for at, frame in socket.frames:
                    self._differ(opened, f"at {at:.3f}", ABSENT, frame)
        await engine.stop()

    async def _play(self, entry: Entry) -> None:
        match entry.method:
            case "POST":
                await self._post(entry)
            case "WS-OPEN":
                self._open(entry)
            case "WS" if entry.is_by_worker:
                self._socket(entry).push(self._translated(entry))
            case "WS":
                await self._hear(entry)
            case "WS-CLOSE" if entry.is_by_worker or entry.close[0] == 1000:
                await self._socket(entry).leave()  # a gateway never says 1000 by itself
            case "WS-CLOSE":
                await self._be_closed(entry)
            case _:
                await self._note(entry)

    async def _note(self, entry: Entry) -> None:
        """Replay an action of the operator."""
        if entry.body == "gateway starts draining":
            await self._engine.connect.drain("gw-dev")
        elif entry.body == "server process gets SIGTERM":
            await self._engine.leave_workers()

    async def _post(self, entry: Entry) -> None:
        content = entry.raw
        reply = parse(wire.SDKResponse, content)
        if entry.path == FLUSH and not isinstance(reply, Malformed):
            content = self._renamed(reply).SerializeToString()
        answer = await self._http.post(entry.path, content=content, headers=dict(entry.headers))
        self._compare(entry, {"status": entry.status}, {"status": answer.status_code})
        if entry.status != 200:
            theirs = entry.response_body
            ours = {"text": answer.text} if "text" in theirs else answer.json()
            self._compare(entry, _flat("body", theirs), _flat("body", ours))
        elif entry.path == START:
            ours = wire.StartResponse.FromString(answer.content)
            self._endpoint = ours.gateway_endpoint
            recorded = wire.StartResponse.FromString(entry.response)
            self._compare(entry, _start(recorded), _start(ours))
        elif entry.path == FLUSH:
            ours = wire.FlushResponse.FromString(answer.content)
            self._compare(entry, flat(wire.FlushResponse.FromString(entry.response)), flat(ours))

    def _open(self, entry: Entry) -> None:
        url = self.plan.endpoints.get(entry.index, self._endpoint)
        self._sockets[entry.index] = Socket(self._app, url, entry.body["offered_subprotocol"])

    async def _hear(self, entry: Entry) -> None:
        recorded, socket = entry.frame, self._socket(entry)
        assert isinstance(recorded, Frame)
        is_call = recorded.kind == wire.GATEWAY_EXECUTOR_REQUEST
        about = "function_slug" if is_call else "request_id"
        wanted = flat(recorded.payload).get(about)
        wanted = self._ours.get((about, wanted), wanted)

        def fits(frame: Frame) -> bool:
            return frame.kind == recorded.kind and flat(frame.payload).get(about) == wanted

        found = await socket.take(fits)
        if found is None:
            self._differ(entry.index, "frame", recorded.kind, ABSENT)
            return
        at, ours = found
        self._compare(entry, flat(recorded.payload), flat(ours.payload))
        if not -(EARLY if is_call else LATER) <= at - entry.at <= LATER:
            self._differ(entry.index, "at", entry.at, round(at, 3))

    async def _be_closed(self, entry: Entry) -> None:
        socket = self._socket(entry)
        await socket.until(lambda: socket.closed is not None)
        theirs, ours = entry.close, socket.closed or (0, "not closed")
        self._compare(entry, _end(*theirs), _end(*ours))
        late = asyncio.get_running_loop().time() - entry.at
        if late > LATER:
            self._differ(entry.index, "late", 0, round(late, 3))

    def _socket(self, entry: Entry) -> Socket:
        last = max(index for index in self._sockets if index < entry.index)
        return self._sockets[self.plan.sockets.get(entry.index, last)]

    # names

    def _translated(self, entry: Entry) -> bytes:
        """Replace ids of the recorded gateway with ours in a worker's frame."""
        frame = entry.frame
        if isinstance(frame, Malformed) or frame.payload is None:
            return entry.raw
        kind: Any = frame.kind
        return encode(kind, self._renamed(frame.payload))

    def _renamed(self, message: Message) -> Message:
        for descriptor, value in message.ListFields():
            if descriptor.name in NAMES:
                ours = self._ours.get((descriptor.name, value), value)
                setattr(message, descriptor.name, ours)
            elif isinstance(value, Message):
                self._renamed(value)
        return message

    def _compare(self, entry: Entry, recorded: Flat, ours: Flat) -> None:
        self.compared += 1
        for path in [*recorded, *(path for path in ours if path not in recorded)]:
            theirs, us = recorded.get(path, ABSENT), ours.get(path, ABSENT)
            if _matches(SILENT, path):
                continue
            if _matches(CHOSEN, path) and ABSENT not in (theirs, us):
                kind = path.rpartition(".")[2].removeprefix("new_")
                stands = self._ours.setdefault((kind, theirs), us)
                back = self._theirs.setdefault((kind, us), theirs)
                us = theirs if (stands, back) == (us, theirs) else us
            if theirs != us or type(theirs) is not type(us):
                self._differ(entry.index, path, theirs, us)

    def _differ(self, index: int, path: str, theirs: object, ours: object) -> None:
        where = f"{index} {path}"
        if where in self.plan.unlike and self.plan.unlike[where][0] == ours:
            self.used.add(where)
            return
        self.problems.append(
            f"{self.name} {where}: {_short(theirs)} is recorded, ours {_short(ours)}"
        )


def _start(answer: wire.StartResponse) -> Flat:
    """Reduce the gateway's endpoint to its path: each server has its own host and query."""
    return {**flat(answer), "gateway_endpoint": urlsplit(answer.gateway_endpoint).path}


def _end(code: int, reason: str) -> Flat:
    return {"code": code, "reason": reason}


def _matches(table: Mapping[str, str], path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in table)
