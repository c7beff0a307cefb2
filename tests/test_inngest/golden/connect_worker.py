"""Replay recorded gateways against our worker's state machine, at the recorded times."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from inngest.connect._internal.effects import (
    Close,
    Effect,
    Enter,
    Flush,
    Log,
    Open,
    Run,
    Send,
    Start,
    Stop,
)
from inngest.connect._internal.identity import AppIdentity, Identity
from inngest.connect._internal.machine import Machine
from inngest.connect._internal.state import ConnectionState
from inngest.connect.protocol import Frame, Malformed, decode, encode, parse, wire
from inngest.transport import CommResponse

from .connect_recordings import FLUSH, START, Entry, entries_of, flat
from .differences import ABSENT, GENERAL, Rule, _both_like
from .replay import Flat, _short, compare

TOLERANCE: Final = 0.5
"""Seconds that a frame may be off its recorded time; recorded heartbeats drift."""
ONE_INTERVAL: Final = 5.0
"""The same for leases: the recorded worker extends all at once, ours each at its own time."""

Answer = Callable[[wire.GatewayExecutorRequestData], CommResponse]

RULES: Final = (
    *GENERAL,
    Rule(
        path=r"started_at\..*|system_attributes\..*",
        accepts=lambda recorded, ours: True,
        reason="of another machine, and another time",
    ),
    Rule(
        path=r"sdk_(version|language)|framework",
        accepts=lambda recorded, ours: isinstance(ours, str) and ours != "",
        reason="our own name and version",
    ),
    Rule(
        path=r"capabilities\..*",
        accepts=lambda recorded, ours: ours == "v1",
        reason="the hand-made workers say less of themselves",
    ),
    Rule(
        path=r"run_id|app_id",
        accepts=lambda recorded, ours: recorded is ABSENT and ours is not ABSENT,
        reason="the recorded SDK leaves some of a call's ids out; the protocol has them",
    ),
    Rule(
        path=r"retry_after",
        accepts=_both_like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
        reason="an instant that is counted from now",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Life:
    """One worker of a recording, from start to end."""

    first: int
    last: int
    authorizations: tuple[str, ...] = ()
    answer: Answer | None = None
    """The app; without one calls are answered as they were in the recording."""
    functions: bytes | None = None
    """What our SDK registers; without it that of the recording."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """Terms that the recorded worker was told otherwise than by the gateway."""
    sockets: Mapping[int, int] = field(default_factory=dict)
    """The socket of an entry, by the index of its opening, where it is not the last opened."""
    skipped: Mapping[int, str] = field(default_factory=dict)
    """What the recorded worker did and ours does not, and why; and what another one did."""
    more: Mapping[str, str] = field(default_factory=dict)
    """What only ours does: the kind of a frame with the second that it is sent in, and why."""
    unlike: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    """What ours has at a path, which begins with the index of the entry, and why."""


@dataclass(frozen=True)
class Said:
    """A frame that our worker sent."""

    at: float
    socket: int
    frame: Frame


class WorkerReplay:
    """Replays one life; ``problems`` then lists the differences."""

    def __init__(self, name: str, life: Life) -> None:
        self.name, self.life = name, life
        self.entries = [e for e in entries_of(name) if life.first <= e.index <= life.last]
        self.problems: list[str] = []
        self.compared = 0
        self.used: set[Rule] = set()
        self.noted: set[str] = set()
        self.states: list[ConnectionState] = []
        self.stopped: Stop | None = None
        self.closes: list[Close] = []
        self.said: list[Said] = []
        self.starts: deque[Start] = deque()
        """Requests for a gateway that nobody has answered."""
        self._opens: deque[Open] = deque()
        self._flushes: deque[Flush] = deque()
        self._calls: dict[str, wire.GatewayExecutorRequestData] = {}
        self._answered = {reply.request_id for reply in map(_reply, self.entries) if reply}
        """Calls that the recorded worker answers at some time."""
        self._sockets: dict[int, int] = {}
        self._answers: deque[Entry] = deque()
        """Of requests for leases that ours has not made yet."""
        self._now = self.entries[0].at
        self._machine = Machine(
            _identity(self.entries, life.functions),
            random=lambda: 0.5,
            authorizations=life.authorizations,
        )

    def run(self) -> None:
        self._do(self._machine.start)
        for entry in self.entries:
            if entry.index in self.life.skipped:
                continue
            self.wait_until(entry.at)
            self._play(entry)

    # time

    def wait_until(self, until: float) -> None:
        """Advance the time, with the ticks that the machine requests."""
        for _ in range(10_000):
            due = self._machine.next_due
            if due is None or due > until:
                break
            self._now = max(self._now, due)
            self._do(self._machine.tick)
        self._now = max(self._now, until)

    def _do(self, step: Callable[..., list[Effect]], *args: Any) -> None:
        for effect in step(self._now, *args):
            match effect:
                case Start():
                    self.starts.append(effect)
                case Open():
                    self._opens.append(effect)
                case Flush() if any(each.path == FLUSH for each in self.entries):
                    self._flushes.append(effect)
                case Flush(request_id):
                    self._do(self._machine.flushed, request_id)
                case Close():
                    self.closes.append(effect)
                case Run(request):
                    self._run(request)
                case Send(link, data):
                    self._hear(link, data)
                case Enter(state):
                    self.states.append(state)
                case Stop():
                    self.stopped = effect
                case Log():
                    pass

    def _run(self, request: wire.GatewayExecutorRequestData) -> None:
        self._calls[request.request_id] = request

    def _hear(self, link: int, data: bytes) -> None:
        frame = decode(data)
        assert isinstance(frame, Frame)
        self.said.append(Said(self._now, link, frame))
        if frame.kind == wire.WORKER_REQUEST_EXTEND_LEASE and self._answers:
            answer = self._answers.popleft()
            self._do(self._machine.received, link, answer.raw)

    # entries

    def _play(self, entry: Entry) -> None:
        match entry.method:
            case "POST" if entry.path == START:
                self._start(entry)
            case "POST" if entry.path == FLUSH:
                self._flush(entry)
            case "WS-OPEN":
                self._sockets[entry.index] = opened = self._opens.popleft().link
                self._do(self._machine.opened, opened)
            case "WS" if entry.is_by_worker:
                self._act(entry)
            case "WS":
                self._receive(entry)
            case "WS-CLOSE" if entry.is_by_worker or entry.close[0] == 1000:
                self._leave(entry)
            case "WS-CLOSE":
                self._do(self._machine.closed, self._socket(entry), *entry.close)

    def _start(self, entry: Entry) -> None:
        if not self.starts:
            self.problems.append(f"{self.name} {entry.index}: ours does not ask for a gateway")
            return
        ours, theirs = self.starts.popleft(), entry.headers.get("authorization")
        self._check(entry, {"authorization": theirs}, {"authorization": ours.authorization})
        recorded = flat(wire.StartRequest.FromString(entry.raw))
        self._check(entry, recorded, flat(wire.StartRequest.FromString(ours.body)))
        if entry.status == 200:
            self._do(self._machine.started, entry.response)
        else:
            self._do(self._machine.refused, entry.status)

    def _flush(self, entry: Entry) -> None:
        recorded = wire.SDKResponse.FromString(entry.raw)
        if recorded.request_id in self._calls:
            self._answer(recorded)
        ours = self._flushes.popleft()
        self._check(entry, flat(recorded), flat(wire.SDKResponse.FromString(ours.body)))
        self._do(self._machine.flushed, ours.request_id)

    def _act(self, entry: Entry) -> None:
        """Make our worker do what the recorded one was made to do at this time."""
        recorded = entry.frame
        assert isinstance(recorded, Frame)
        if recorded.kind == wire.WORKER_PAUSE:
            self._do(self._machine.close)
        elif isinstance(recorded.payload, wire.SDKResponse):
            self._answer(recorded.payload)

    def _answer(self, recorded: wire.SDKResponse) -> None:
        request = self._calls.pop(recorded.request_id, None)
        if request is None:
            return
        answer = self.life.answer
        response = _response(recorded) if answer is None else answer(request)
        self._do(self._machine.replied, request.request_id, response)

    def _receive(self, entry: Entry) -> None:
        frame, raw = entry.frame, entry.raw
        assert isinstance(frame, Frame)
        if frame.kind == wire.WORKER_REQUEST_EXTEND_LEASE_ACK:
            self._answers.append(entry)
            return
        if isinstance(frame.payload, wire.GatewayConnectionReadyData):
            for name, value in self.life.terms.items():
                setattr(frame.payload, name, value)
            raw = encode(wire.GATEWAY_CONNECTION_READY, frame.payload)
        self._do(self._machine.received, self._socket(entry), raw)
        for request_id in [each for each in self._calls if each not in self._answered]:
            self._do(self._machine.replied, request_id, CommResponse(status=200, body=b"1"))
            del self._calls[request_id]

    def _leave(self, entry: Entry) -> None:
        """Close our side too, unless the worker is closing the connection itself."""
        socket = self._socket(entry)
        if entry.is_by_worker or self.stopped is None:
            self._do(self._machine.closed, socket, *entry.close)

    def _socket(self, entry: Entry) -> int:
        last = max(index for index in self._sockets if index < entry.index)
        return self._sockets[self.life.sockets.get(entry.index, last)]

    # comparison

    def compare_frames(self) -> None:
        """Match the frames that our worker sent with the recorded ones."""
        left = list(self.said)
        for entry in self.entries:
            if entry.method != "WS" or not entry.is_by_worker or entry.index in self.life.skipped:
                continue
            recorded, socket = entry.frame, self._socket(entry)
            assert isinstance(recorded, Frame)
            ours = next((one for one in left if _fits(one, recorded, socket)), None)
            if ours is None:
                self.problems.append(
                    f"{self.name} {entry.index}: ours does not say {_name(recorded)}"
                )
                continue
            left.remove(ours)
            self._check(entry, flat(recorded.payload), flat(ours.frame.payload))
            is_lease = recorded.kind == wire.WORKER_REQUEST_EXTEND_LEASE
            off = ONE_INTERVAL if is_lease else TOLERANCE
            if abs(ours.at - entry.at) > off:
                self.problems.append(f"{self.name} {entry.index}: {entry.at} ours {ours.at}")
        for one in left:
            what = f"{_name(one.frame)} {one.at:.0f}"
            self.noted.add(what)
            if what not in self.life.more:
                self.problems.append(f"{self.name}: only ours says {what}")

    def _check(self, entry: Entry, recorded: Flat, ours: Flat) -> None:
        self.compared += 1
        for path, (theirs, us) in compare(recorded, ours, RULES, self.used).items():
            where = f"{entry.index} {path}"
            if where in self.life.unlike and self.life.unlike[where][0] == us:
                self.noted.add(where)
                continue
            self.problems.append(
                f"{self.name} {where}: {_short(theirs)} is recorded, ours {_short(us)}"
            )


def _fits(ours: Said, recorded: Frame, socket: int) -> bool:
    same_call = flat(ours.frame.payload).get("request_id") == flat(recorded.payload).get(
        "request_id"
    )
    return ours.frame.kind == recorded.kind and ours.socket == socket and same_call


def _reply(entry: Entry) -> wire.SDKResponse | None:
    """Return the reply in an entry, sent over the socket or over HTTP."""
    if entry.path == FLUSH:
        reply = parse(wire.SDKResponse, entry.raw)
        return None if isinstance(reply, Malformed) else reply
    frame = entry.frame
    said = frame.payload if isinstance(frame, Frame) and entry.is_by_worker else None
    return said if isinstance(said, wire.SDKResponse) else None


def _name(frame: Frame) -> str:
    return str(wire.GatewayMessageType.Name(wire.GatewayMessageType.ValueType(frame.kind)))


def _identity(entries: list[Entry], functions: bytes | None) -> Identity:
    """Return the identity that the recorded worker reported, to be reported by ours."""
    hellos = (each.frame for each in entries if each.method == "WS" and each.is_by_worker)
    payloads = (each.payload for each in hellos if isinstance(each, Frame))
    said = (each for each in payloads if isinstance(each, wire.WorkerConnectRequestData))
    hello = next(said, wire.WorkerConnectRequestData(instance_id="worker"))
    has_limit = hello.HasField("max_worker_concurrency")
    return Identity(
        instance_id=hello.instance_id,
        apps=tuple(
            AppIdentity(
                app_id=app.app_name,
                version=app.app_version if app.HasField("app_version") else None,
                functions=app.functions if functions is None else functions,
            )
            for app in hello.apps
        ),
        max_concurrency=hello.max_worker_concurrency if has_limit else None,
    )


def _response(recorded: wire.SDKResponse) -> CommResponse:
    """Return the recorded app's response."""
    headers = {"x-inngest-no-retry": "true"} if recorded.no_retry else {}
    if recorded.HasField("retry_after"):
        headers["retry-after"] = recorded.retry_after
    status = {wire.DONE: 200, wire.NOT_COMPLETED: 206}.get(recorded.status, 500)
    return CommResponse(status=status, body=recorded.body, headers=headers)
