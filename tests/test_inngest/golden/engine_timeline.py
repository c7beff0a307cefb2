"""Replay a recording against our engine at the recorded times: events, calls, REST, third parties.

Unlike ``engine_replay``, which proceeds from call to call, it advances the virtual clock from one
recorded time to the next, so that it detects what the engine does too early, too late, or never.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable
from inngest.dev._internal.protocol.answer import Answer, read_answer, transport_error
from inngest.dev._internal.protocol.call import Call

from .differences import ABSENT
from .engine_plans import PLAIN, Plan
from .engine_replay import LIMIT, EngineReplay, _flat_call, _is_call, _matches, restored
from .engine_replay import RENAMED as REPLAY_RENAMED
from .engine_replay import UNCOMPARED as REPLAY_UNCOMPARED
from .replay import RECORDINGS, Exchange, _flat, _flat_request, _short, base_url_of, load

TURNS: Final = 60
"""Of the loop: more than the engine takes for all it can do without the clock."""

TAIL: Final = 30_000
"""Milliseconds after the last exchange in which nothing more may happen."""

SENT_BEFORE: Final = 200
"""Milliseconds between an event that is not in the recording and the call it caused."""

_EVENTS: Final = r"body\.(event|events\[\d+\]|steps\.\w+)\.(.*\.)?"

RENAMED: Final = {
    **REPLAY_RENAMED,
    _EVENTS + r"id": "chosen at random, unless its sender did",
    _EVENTS + r"(run_id|parent_run_id|correlation_id)": "made of ids of runs",
    _EVENTS + r"_inngest\.(source|parent)_(fn|app)_id": "the server's UUIDs",
}
UNCOMPARED: Final = {
    **REPLAY_UNCOMPARED,
    _EVENTS + r"ts": "when the event came in",
    _EVENTS + r"_inngest\.(expire|gid|source_fn_v)": "as in a replay without times",
    _EVENTS + r"_inngest\.(isr|tc|parent_defer_span)\..*": "traces, which our engine has none of",
}

_ULID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(kw_only=True)
class Timeline(EngineReplay):
    plan: Plan = PLAIN
    base: int = 0
    """The time of the engine at the recording's beginning."""
    _raw: list[dict[str, Any]] = field(default_factory=list)
    _pauses: list[tuple[int, asyncio.Event]] = field(default_factory=list)
    _third: list[Exchange] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)
    """Recorded ids, and ours."""
    _engine: Engine | None = None

    def run(self) -> None:
        self.exchanges = [restored(each) for each in load(self.name)]
        self._raw = json.loads((RECORDINGS / f"{self.name}.json").read_text("utf-8"))["exchanges"]
        self._left = [each for each in self.exchanges if _is_call(each)]
        self._third = [
            each for each in self.exchanges if self._raw[each.index]["direction"] == "server->http"
        ]

        async def limited() -> None:
            await asyncio.wait_for(self._run(), LIMIT)

        asyncio.run(limited())

    @property
    def engine(self) -> Engine:
        assert self._engine is not None
        return self._engine

    @property
    def clock(self) -> VirtualClock:
        assert isinstance(self.engine.clock, VirtualClock)
        return self.engine.clock

    def _at(self, exchange: Exchange) -> int:
        return self.base + int(self._raw[exchange.index]["t_ms"])

    async def _run(self) -> None:
        self.base = self._origin()
        self._engine = Engine(clock=VirtualClock(self.base), driver=self, gateway=self)
        await self._engine.start()
        transport = httpx.ASGITransport(build_app(self._engine))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://server.test"
            ) as http:
                self._register()
                happenings = [(self._at(each) - SENT_BEFORE, each) for each in self._missing()]
                happenings += [(self._at(each), each) for each in self._ordered()]
                for moment, exchange in sorted(happenings, key=lambda each: each[0]):
                    await self._until(max(moment, self.base))
                    if exchange in self._left:
                        self._send(exchange)
                    else:
                        await self._request(http, exchange)
                last = max(self._at(each) for each in self.exchanges)
                await self._until(last + (TAIL if self.plan.quiet_end else 0))
        finally:
            for _, resumed in self._pauses:
                resumed.set()
            await self._engine.stop()
        for exchange in self._left:
            self.problems.append(f"{self.name} {exchange.index}: never asked for")
        for exchange in self._third:
            self.problems.append(f"{self.name} {exchange.index}: never requested")

    def _missing(self) -> list[Exchange]:
        """Find the first calls of runs whose event was sent, but not recorded."""
        sent = [e.body for e in self.exchanges if e.path.startswith("/e/")]
        known = [e for each in sent for e in (each if isinstance(each, list) else [each])]
        found: dict[str, Exchange] = {}
        for each in self._left:
            event = each.body["event"]
            if event["name"].startswith("inngest/"):
                continue
            if not any(k["name"] == event["name"] for k in known):
                found.setdefault(event["id"], each)
        return list(found.values())

    def _send(self, call: Exchange) -> None:
        event = {k: v for k, v in call.body["event"].items() if k != "ts"}
        assert self.engine.send(json.dumps(event).encode()).error is None

    def _origin(self) -> int:
        """Derive the recording's start from the timestamp of an event."""
        if self.plan.base is not None:
            return self.plan.base
        for each in self._left:
            event, at = each.body["event"], int(self._raw[each.index]["t_ms"])
            if event["name"] == "inngest/scheduled.timer":
                return int(event["ts"]) - at
            sent = [e for e in self.exchanges if e.path.startswith("/e/") and e.index < each.index]
            if not sent:
                return int(event["ts"]) - at
            for posted in sent:
                bodies = posted.body if isinstance(posted.body, list) else [posted.body]
                if any(b.get("data") == event["data"] and "ts" not in b for b in bodies):
                    return int(event["ts"]) - int(self._raw[posted.index]["t_ms"])
        return 1_795_393_250_000

    def _register(self) -> None:
        recorded = json.loads((RECORDINGS / f"{self.name}.json").read_text("utf-8"))
        url = f"{base_url_of(self.name)}/api/inngest"
        sent: dict[str, Any] = self.exchanges[0].body
        app = sent.get("appName") or sent["appname"]
        body = {"appName": app, "url": url, "functions": recorded["functions"]}
        taken = self.engine.register(body)
        assert not isinstance(taken, Refusal), taken

    def _ordered(self) -> list[Exchange]:
        """Return the requests to the server, in the order in which it processed them."""
        asked = [
            each
            for each in self.exchanges
            if self._raw[each.index]["direction"] == "sdk->server" and each.path != "/fn/register"
        ]
        at = [int(each["t_ms"]) for each in self._raw]
        for index, other in self.plan.taken_as.items():
            self._raw[index]["t_ms"] = at[other]
        return asked

    async def _request(self, http: httpx.AsyncClient, exchange: Exchange) -> None:
        raw = exchange.raw
        if exchange.index in self.plan.shuffled:
            body = [exchange.body[i] for i in self.plan.shuffled[exchange.index]]
            raw = json.dumps(body).encode()
        for (kind, recorded), our_own in self._ours.items():
            if kind == "qi_id":
                raw = raw.replace(str(recorded).encode(), str(our_own).encode())
        path = _ULID.sub(lambda found: self._ids.get(found[0], found[0]), exchange.path)
        answer = await http.request(exchange.method, path, content=raw)
        await self._spin()
        expected, _why = self.plan.statuses.get(exchange.index, (exchange.status, ""))
        if answer.status_code != expected:
            self.problems.append(
                f"{self.name} {exchange.index}: answered {answer.status_code} {answer.text[:200]}, "
                f"expected {expected}"
            )
            return
        ours: Any = answer.json() if answer.content else None
        if exchange.path.startswith("/e/"):
            theirs = exchange.response_body["ids"]
            theirs = [theirs[i] for i in self.plan.shuffled.get(exchange.index, range(len(theirs)))]
            self._ids |= dict(zip(theirs, ours["ids"], strict=True))
            return
        self._compare_answer(exchange, ours)

    def _compare_answer(self, exchange: Exchange, ours: Any) -> None:
        theirs = exchange.response_body
        recorded, got = _flat("body", theirs), _flat("body", ours)
        for where in sorted({*recorded, *got}):
            if self._is_unlike(exchange, where):
                continue
            a, b = recorded.get(where), got.get(where)
            if isinstance(a, str):
                a = _ULID.sub(lambda found: self._ids.get(found[0], found[0]), a)
            if a != b:
                self.problems.append(
                    f"{self.name} {exchange.index} {where}: {_short(a)} is recorded, ours {_short(b)}"
                )

    def _is_unlike(self, exchange: Exchange, where: str) -> bool:
        numbered = f"{exchange.index} {where}"
        return _matches(self.plan.unlike, where) or _matches(self.plan.unlike, numbered)

    # time

    async def _until(self, moment: int) -> None:
        """Let the engine process all that is due until then."""
        while True:
            await self._spin()
            due = self.engine.scheduler.next_due()
            moments = [each for each, _ in self._pauses]
            moments += [] if due is None else [due]
            first = min(moments, default=moment)
            if first > moment:
                break
            if first <= self.clock.now() and first == due and not self._pauses:
                break
            self.clock.set(max(first, self.clock.now()))
            for at, resumed in self._pauses:
                if at <= self.clock.now():
                    resumed.set()
            self._pauses = [each for each in self._pauses if each[0] > self.clock.now()]
            if not moments:
                break
        self.clock.set(max(moment, self.clock.now()))
        await self._spin()

    async def _spin(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def _pause(self, milliseconds: int) -> None:
        resumed = asyncio.Event()
        self._pauses.append((self.clock.now() + milliseconds, resumed))
        await resumed.wait()

    # the app

    async def call(self, call: Call, *, now: int) -> Answer:
        parts = urlsplit(call.url)
        path = f"{parts.path}?{parts.query}"
        body = json.loads(call.body)
        alike = [each for each in self._left if each.path == path]
        exchange = max(alike, key=lambda each: _likeness(each.body, body), default=None)
        if exchange is None:
            event = body["event"]
            self.problems.append(
                f"{self.name}: not in the recording: POST {path} for {event['name']} "
                f"{_short(event['data'])}, attempt {body['ctx']['attempt']}"
            )
            return transport_error("not in the recording")
        self._left.remove(exchange)
        self._ids[exchange.body["ctx"]["run_id"]] = body["ctx"]["run_id"]
        self._compare(exchange, call, path)
        self.times.append((exchange.index, now))
        self._compare_time(exchange, now)
        if exchange.index in self.plan.slow:
            await self._pause(self.plan.slow[exchange.index])
        else:
            await asyncio.sleep(0)
        if exchange.index in self.plan.broken:
            return transport_error("connection reset")
        content = self.plan.answers.get(exchange.index, exchange.answer.body)
        return read_answer(exchange.status, exchange.response_headers, content, self.clock.now())

    def _compare(self, exchange: Exchange, call: Call, path: str) -> None:
        recorded, ours = _flat_request(exchange), _flat_call(call, path)
        self.compared += 1
        for where in [*recorded, *(each for each in ours if each not in recorded)]:
            theirs, us = recorded.get(where, ABSENT), ours.get(where, ABSENT)
            if _matches(UNCOMPARED, where) or self._is_unlike(exchange, where):
                continue
            if _matches(RENAMED, where) and ABSENT not in (theirs, us):
                us = self._renamed(where, theirs, us)
            if theirs != us or type(theirs) is not type(us):
                self.problems.append(
                    f"{self.name} {exchange.index} {where}: "
                    f"{_short(theirs)} is recorded, ours {_short(us)}"
                )

    def _compare_time(self, exchange: Exchange, now: int) -> None:
        off = now - self._at(exchange)
        if not -self.plan.early <= off <= self.plan.late:
            self.problems.append(f"{self.name} {exchange.index}: asked {off} ms off")

    # third parties

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        exchange = next((each for each in self._third if each.path == path), None)
        if exchange is None:
            return Unreachable(reason="Unable to reach SDK URL")
        self._third.remove(exchange)
        self._compare_fetch(exchange, request)
        raw = exchange.answer.body
        return Inbound(status=exchange.status, headers=self._headers_of(raw.decode()), body=raw)

    def _compare_fetch(self, exchange: Exchange, request: Outbound) -> None:
        recorded_type = exchange.headers.get("content-type")
        ours = {name.lower(): value for name, value in request.headers.items()}
        sent = json.loads(request.body) if request.body else None
        pairs = [
            ("method", exchange.method, request.method),
            ("content-type", recorded_type, ours.get("content-type")),
            ("authorization", exchange.headers.get("authorization"), ours.get("authorization")),
            ("body", exchange.body, sent),
        ]
        for what, theirs, us in pairs:
            if theirs != us:
                self.problems.append(
                    f"{self.name} {exchange.index} {what}: {theirs!r} is recorded, ours {us!r}"
                )

    def _headers_of(self, body: str) -> dict[str, str]:
        """Return the headers of a response as a later memo in the recording contains them."""
        for each in self._left:
            for memo in each.body["steps"].values():
                found = memo.get("data") if isinstance(memo, dict) else None
                if isinstance(found, dict) and found.get("body") == body:
                    return dict(found["headers"])
        return {}


def _likeness(recorded: Mapping[str, Any], ours: Mapping[str, Any]) -> tuple[bool, ...]:
    """Rank a recorded call's similarity to ours: by its event, then by the run's progress."""
    a, b = recorded["event"], ours["event"]
    return (
        a["name"] == b["name"],
        _told(a["data"]) == _told(b["data"]),
        len(recorded["ctx"]["stack"]["stack"]) == len(ours["ctx"]["stack"]["stack"]),
        recorded["ctx"]["attempt"] == ours["ctx"]["attempt"],
    )


def _told(data: Any) -> Any:
    """Return an event's data without ids and timestamps that differ in each run."""
    if not isinstance(data, dict):
        return data
    inner = data.get("event")
    about = inner.get("data") if isinstance(inner, dict) else None
    made = ("_inngest", "event", "events", "run_id", "correlation_id")
    return {**{k: v for k, v in data.items() if k not in made}, "about": _told(about)}
