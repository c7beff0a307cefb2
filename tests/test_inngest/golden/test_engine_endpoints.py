"""The recording of durable endpoints, against our engine, at its recorded times."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.protocol.answer import Answer, transport_error
from inngest.dev._internal.protocol.call import Call

from .engine_plans import Plan
from .engine_recordings import ENDPOINTS
from .engine_replay import LIMIT, _matches, restored
from .engine_timeline import Timeline
from .realtime import claims
from .replay import RECORDINGS, Exchange, _flat, _short, load

_UUID: Final = "the server's UUIDs"
_OUTPUT: Final = "the recorded server forgets what op-completed runs gave; ours has it"
_BASE64: Final = "the recorded server shows such an output in base64; ours shows what it says"
PLAN: Final = Plan(
    early=300,
    late=300,
    unlike={
        r"body\.metadata\..*": "times, to other digits",
        r"body\.data\.(run_started_at|ended_at)": "times, to other digits",
        r"body\.data\.(fn_id|app_id|function_id)": _UUID,
        r"body\.data\.event_id": "chosen at random",
        r"body\.data\.(token|realtime_token)": "compared by what they say",
        r"body\[0\]\.id": "chosen at random",
        r"(14|23|33) body.*": _OUTPUT,
        r"(30|40|59) body\.data\.output.*": _OUTPUT,
        r"(50|79) body\.data\.output.*": _BASE64,
        r"15 header\.x-inngest-force-step-plan": "when the nap is over the group is done: ours "
        "lets the call run the next step",
    },
    statuses={
        6: (409, "the recorded server takes the id of a run that has ended; ours keeps the run"),
    },
)
OUTPUTS: Final = {
    14: (202, {"steps"}),
    23: (202, {"steps"}),
    33: (202, {"steps"}),
}
"""What ours answers where the recorded server has forgotten: status, and keys of the body."""


@dataclass(kw_only=True)
class EndpointReplay(Timeline):
    states: dict[str, list[Exchange]] = field(default_factory=lambda: defaultdict(list))
    """What the recorded app fetched of each run, call by call."""
    http: httpx.AsyncClient | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    polls: list[tuple[Exchange, asyncio.Task[httpx.Response]]] = field(default_factory=list)

    def run(self) -> None:
        self.exchanges = [restored(each) for each in load(self.name)]
        self._raw = json.loads((RECORDINGS / f"{self.name}.json").read_text("utf-8"))["exchanges"]
        self._left = [each for each in self.exchanges if each.is_call]
        for each in self.exchanges:
            if each.path.startswith("/v0/runs/"):
                self.states[each.path].append(each)

        async def limited() -> None:
            await asyncio.wait_for(self._run(), LIMIT)

        asyncio.run(limited())

    async def _run(self) -> None:
        first = self.exchanges[0]
        self.base = first.body["event"]["ts"] - int(self._raw[0]["t_ms"])
        self._engine = Engine(clock=VirtualClock(self.base), driver=self)
        await self._engine.start()
        transport = httpx.ASGITransport(build_app(self._engine))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://server.test"
            ) as self.http:
                for exchange in self.exchanges:
                    if exchange.is_call or exchange.path.startswith("/v0/runs/"):
                        continue
                    await self._until(self._at(exchange))
                    await self._ask(exchange)
                await self._until(self.clock.now() + 30_000)
                for exchange, poll in self.polls:
                    self._compare_output(exchange, await poll)
        finally:
            await self._engine.stop()
        self.problems += [f"{each.index}: never asked for" for each in self._left]
        self.problems += [f"{path}: never fetched" for path, left in self.states.items() if left]

    async def _ask(self, exchange: Exchange) -> None:
        assert self.http is not None
        path, _, token = exchange.path.partition("?token=")
        if token:
            path = f"{path}?token={self.tokens.get(token, token)}"
        sent = self.http.request(exchange.method, path, content=exchange.raw)
        if token in self.tokens:  # it waits until the run has ended
            self.polls.append((exchange, asyncio.ensure_future(sent)))
            await self._spin()
            return
        answer = await sent
        await self._spin()
        self._compare_status(exchange, answer)
        if answer.status_code == exchange.status:
            self._compare_answer(exchange, answer.json() if answer.content else None)
            self._compare_tokens(exchange, answer)
        self.compared += 1

    def _compare_status(self, exchange: Exchange, answer: httpx.Response) -> None:
        expected, _why = self.plan.statuses.get(exchange.index, (exchange.status, ""))
        if answer.status_code != expected:
            self.problems.append(f"{exchange.index}: answered {answer.status_code} {answer.text}")
        kind = exchange.response_headers.get("content-type")
        if expected == exchange.status and answer.headers.get("content-type") != kind:
            self.problems.append(f"{exchange.index}: {answer.headers.get('content-type')}")

    def _compare_tokens(self, exchange: Exchange, answer: httpx.Response) -> None:
        if exchange.path != "/v1/checkpoint" or answer.status_code != 200:
            return
        theirs, ours = exchange.response_body["data"], answer.json()["data"]
        for name in ("token", "realtime_token"):
            if (name in theirs) != (name in ours):
                self.problems.append(f"{exchange.index}: {name} is there or not")
            elif name in theirs:
                self.tokens[theirs[name]] = ours[name]
                assert claims(ours[name]) == claims(theirs[name])

    def _compare_output(self, exchange: Exchange, answer: httpx.Response) -> None:
        assert answer.headers["x-inngest-server-kind"] == "dev"
        if exchange.index in OUTPUTS:
            assert (answer.status_code, set(answer.json())) == OUTPUTS[exchange.index]
            assert answer.headers["x-hello"] == "1"
        else:
            self._compare_status(exchange, answer)
            self._compare_answer(exchange, answer.json())
        self.compared += 1

    async def _spin(self) -> None:
        for _ in range(5):  # a call fetches the state of its run, too
            await super()._spin()

    async def call(self, call: Call, *, now: int) -> Answer:
        parts = urlsplit(call.url)
        target = call.headers.get("x-inngest-step-id")
        exchange = next(
            (
                each
                for each in self._left
                if (each.method, each.path) == (call.method, f"{parts.path}?{parts.query}")
                and each.headers.get("x-inngest-step-id") == target
            ),
            None,
        )
        if exchange is None:
            self.problems.append(f"not in the recording: {call.method} {call.url}")
            return transport_error("not in the recording")
        self._left.remove(exchange)
        self._compare_call(exchange, call)
        self._compare_time(exchange, now)
        await self._fetch_state(exchange, call.headers["x-run-id"])
        await super()._spin()  # calls of one group overlap
        return call.read(exchange.status, exchange.response_headers, exchange.answer.body, now)

    def _compare_call(self, exchange: Exchange, call: Call) -> None:
        ours = {
            **{f"header.{k}": v for k, v in call.headers.items() if k not in UNKEPT},
            **_flat("body", json.loads(call.body)),
        }
        theirs = {
            **{f"header.{k}": v for k, v in exchange.headers.items() if k not in UNKEPT},
            **_flat("body", exchange.body),
        }
        for where in sorted({*ours, *theirs}):
            if theirs.get(where) != ours.get(where) and not self._is_unlike(exchange, where):
                self.problems.append(
                    f"{exchange.index} {where}: {_short(theirs.get(where))} is recorded, "
                    f"ours {_short(ours.get(where))}"
                )
        self.compared += 1

    async def _fetch_state(self, exchange: Exchange, run_id: str) -> None:
        """Fetch what the recorded app fetched before it responded."""
        assert self.http is not None
        for part in ("actions", "batch"):
            path = f"/v0/runs/{run_id}/{part}"
            recorded = self.states[path].pop(0)
            answer = await self.http.get(path)
            assert answer.status_code == recorded.status, (exchange.index, path)
            self._compare_answer(recorded, answer.json())


UNKEPT: Final = {"traceparent", "x-run-id", "x-request-id", "x-inngest-job-id"}
"""Made anew in each call, or not kept by the recorder."""


def test_the_engine_does_what_is_recorded() -> None:
    replay = EndpointReplay(name=ENDPOINTS, plan=PLAN)
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    calls = [each for each in replay.exchanges if each.is_call]
    assert replay.compared == len(replay.exchanges) - 2 * len(calls)


def test_every_difference_is_one() -> None:
    """What is said to differ does: no pattern hides more than it says."""
    numbers = {each.index for each in load(ENDPOINTS)}
    assert set(PLAN.statuses) | set(OUTPUTS) <= numbers
    recorded: Any = load(ENDPOINTS)[79].response_body["data"]["output"]
    assert json.loads(base64.b64decode(recorded)) == {"not": "an array"}
    assert _matches(PLAN.unlike, "79 body.data.output")
