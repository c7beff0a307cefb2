"""Replay the recorded app against our engine, and compare all requests of the engine."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.protocol.answer import Answer, read_answer, transport_error
from inngest.dev._internal.protocol.call import Call

from .differences import ABSENT, step_id
from .replay import (
    RECORDINGS,
    Exchange,
    Flat,
    _flat,
    _flat_request,
    _short,
    base_url_of,
    load,
)

LIMIT: Final = 60.0
"""Seconds of real time that a replay may take; its clock is virtual."""

_EVENT: Final = r"body\.(event|events\[0\])\."

RENAMED: Final = {
    r"(header\.x-inngest-job-id|body\.ctx\.job_id)": "chosen at random for each job",
    r"body\.ctx\.qi_id": "made of the job id",
    r"body\.ctx\.fn_id": "the server's UUID of a function",
    r"body\.ctx\.run_id": "chosen at random for each run",
    r"body\.ctx\.request_id": "chosen at random for each call",
    _EVENT + r"(data\.(event|events\[0\])\.)?id": "chosen at random, unless its sender did",
    _EVENT + r"data\.run_id": "the failed run",
    _EVENT + r"data\._inngest\.(correlation_id|source_fn_id|source_app_id)": "made of ids",
}
"""Differ in each recording: one recorded value must always stand for the same one of ours."""

UNCOMPARED: Final = {
    r"header\.traceparent": "holds random ids for traces",
    r"header\.x-(run|request)-id": "not kept by the recorder",
    _EVENT + r"(data\.(event|events\[0\])\.)?ts": "when the event came in",
    _EVENT + r"data\._inngest\.expire": "counted from when the call was answered",
    _EVENT + r"data\._inngest\.(gid|isr\..*|tc\..*)": "traces, which our engine has none of",
    _EVENT + r"data\._inngest\.source_fn_v": "how often the recorded server saw the function",
}
"""Say nothing about what the engine does."""

LATE: Final = {("parallel_mode_race", 4): 7}
"""Steps that took long in the recording: answered after the call with this index was."""

SLOW: Final = 20
"""Turns of the loop, more than the engine takes to work on an answer."""

EARLY: Final = 30_000
LATER: Final = 500
"""Milliseconds that a call may be made before its recorded time: the jitter of a retry, as
ours has none; and after it: the recorded instants count from when an event came in."""

_CUT: Final = re.compile(r"(.*?)\.\.\.\((\d+) (chars|items)\)")


@dataclass(kw_only=True)
class EngineReplay:
    """One recording, and the driver that responds to the engine as the recorded app did."""

    name: str
    exchanges: list[Exchange] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    compared: int = 0
    times: list[tuple[int, int]] = field(default_factory=list)
    _left: list[Exchange] = field(default_factory=list)
    _asked: dict[int, asyncio.Event] = field(default_factory=dict)
    _ours: dict[tuple[str, object], object] = field(default_factory=dict)
    _theirs: dict[tuple[str, object], object] = field(default_factory=dict)

    def run(self) -> None:
        """Replay all events and calls; ``problems`` then lists the differences."""
        self.exchanges = [restored(each) for each in load(self.name)]
        self._left = [each for each in self.exchanges if _is_call(each)]

        async def limited() -> None:
            await asyncio.wait_for(self._run(), LIMIT)

        asyncio.run(limited())

    async def _run(self) -> None:
        self._asked = {each.index: asyncio.Event() for each in self._left}
        recorded = json.loads((RECORDINGS / f"{self.name}.json").read_text("utf-8"))
        start = min(each.body["event"]["ts"] for each in self._left)
        engine = Engine(clock=VirtualClock(start), driver=self)
        await engine.start()
        try:
            url = f"{base_url_of(self.name)}/api/inngest"
            functions = recorded["functions"]
            taken = engine.register({"appName": "app", "url": url, "functions": functions})
            assert not isinstance(taken, Refusal), taken
            for exchange in self.exchanges:
                if exchange.path.startswith("/e/"):
                    assert engine.send(exchange.raw).error is None
                    await engine.settle()
                elif exchange in self._left:
                    await self._until_asked(engine, exchange)
            await engine.settle()
            self._compare_times([each["t_ms"] for each in recorded["exchanges"]])
        finally:
            await engine.stop()

    async def _until_asked(self, engine: Engine, exchange: Exchange) -> None:
        """Advance the clock from one due time to the next until this call is made."""
        await engine.settle()
        while not self._asked[exchange.index].is_set():
            due = engine.scheduler.next_due()
            if due is None:
                self.problems.append(f"{self.name} {exchange.index}: never asked for")
                return
            left = max(due - engine.clock.now(), 0)
            await engine.advance(timedelta(milliseconds=left))

    async def call(self, call: Call, *, now: int) -> Answer:
        parts = urlsplit(call.url)
        path = f"{parts.path}?{parts.query}"
        exchange = next((each for each in self._left if each.path == path), None)
        if exchange is None:
            self.problems.append(f"{self.name}: not in the recording: POST {path}")
            return transport_error("not in the recording")
        self._left.remove(exchange)
        self._compare(exchange, call, path)
        self.times.append((exchange.index, now))
        self._asked[exchange.index].set()
        await asyncio.sleep(0)  # an answer takes a moment: calls that are due at once overlap
        later = LATE.get((self.name, exchange.index))
        if later is not None:
            await self._asked[later].wait()
            for _ in range(SLOW):
                await asyncio.sleep(0)
        return read_answer(exchange.status, exchange.response_headers, exchange.answer.body, now)

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        raise AssertionError("an engine does not ask for a sync by itself")

    async def close(self) -> None:
        return

    def _compare(self, exchange: Exchange, call: Call, path: str) -> None:
        recorded, ours = _flat_request(exchange), _flat_call(call, path)
        self.compared += 1
        for where in [*recorded, *(each for each in ours if each not in recorded)]:
            theirs, us = recorded.get(where, ABSENT), ours.get(where, ABSENT)
            if _matches(UNCOMPARED, where):
                continue
            if _matches(RENAMED, where) and ABSENT not in (theirs, us):
                us = self._renamed(where, theirs, us)
            if theirs != us or type(theirs) is not type(us):
                self.problems.append(
                    f"{self.name} {exchange.index} {where}: "
                    f"{_short(theirs)} is recorded, ours {_short(us)}"
                )

    def _compare_times(self, recorded: list[int]) -> None:
        origin, start = self.times[0]
        for index, at in self.times:
            theirs, ours = recorded[index] - recorded[origin], at - start
            if not -EARLY <= ours - theirs <= LATER:
                self.problems.append(
                    f"{self.name} {index}: asked after {ours} ms, recorded: after {theirs} ms"
                )

    def _renamed(self, where: str, theirs: object, us: object) -> object:
        """Return the recorded id if our id corresponds to it consistently, else ours."""
        kind = where.rpartition(".")[2]
        first = self._ours.setdefault((kind, theirs), us)
        back = self._theirs.setdefault((kind, us), theirs)
        return theirs if (first, back) == (us, theirs) else us


def restored(exchange: Exchange) -> Exchange:
    """Restore parts of the bodies that the recording abbreviates."""
    body, answer = _restored(exchange.body), _restored(exchange.response_body)
    if (body, answer) == (exchange.body, exchange.response_body):
        return exchange
    return replace(exchange, body=body, raw=json.dumps(body).encode(), response_body=answer)


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    cut = _CUT.fullmatch(value) if isinstance(value, str) else None
    if cut:
        return cut[1][0] * int(cut[2])
    if not isinstance(value, list):
        return value
    cut = _CUT.fullmatch(value[-1]) if value and isinstance(value[-1], str) else None
    if not cut:
        return [_restored(item) for item in value]
    return [_numbered(value[0], number) for number in range(int(cut[2]))]


def _numbered(item: Any, number: int) -> Any:
    """Give an operation of an abbreviated list its number as its id."""
    if not isinstance(item, dict) or "op" not in item:
        return item
    return {**item, "id": step_id(str(number)), "displayName": str(number)}


def _is_call(exchange: Exchange) -> bool:
    return exchange.is_call and isinstance(exchange.body, dict) and "ctx" in exchange.body


def _flat_call(call: Call, path: str) -> Flat:
    body: Any = json.loads(call.body)
    headers = {f"header.{name.lower()}": value for name, value in call.headers.items()}
    return {"path": path, **headers, **_flat("body", body)}


def _matches(table: Mapping[str, str], path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in table)
