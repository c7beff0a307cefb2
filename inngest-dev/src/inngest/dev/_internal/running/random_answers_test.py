"""Apps that answer anything at all: their runs end, or wait for something, and can be looked at."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.conftest import URL, bounded, config, send
from inngest.dev._internal.dashboard.routes import Dashboard
from inngest.dev._internal.machine.fetching import Outbound, Unreachable
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.running.conftest import HEADERS, Watch

MOST_CALLS = 150
"""After so many the app is honest."""
VALUES: list[Any] = [
    None, True, 0, -1, 1, 2**31, 2**63, 10**30, 1.5, 1e308, "", "x", "step", "\u00e9", "\ud800", "1h",
    "-1h", "0", "9999999d", "366d", "2030-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", [], [1], ["a"], {}, {"a": 1}, {"error": {"name": 1, "message": [1]}},
    {"data": 1}, "x" * 300, "a\nb", "\x00", "race", "http://127.0.0.1:9/", "event.data.x == 1",
    "async.data.a[0.0/0.0]", "app-f", "app-g", {"data": {"x": 1}, "user": 5, "v": 3, "meta": [1]},
    {"name": "E", "message": "m", "stack": 5, "cause": {"x": 1}, "noRetry": True}, {"data": [1]},
    "replace",
]  # fmt: skip
OPS = [
    "StepRun", "Step", "StepError", "StepFailed", "StepPlanned", "Sleep", "WaitForEvent",
    "InvokeFunction", "RunComplete", "DiscoveryRequest", "None", "WaitForSignal", "Gateway",
    "AIGateway", "DeferAdd", "DeferAbort", "SyncRunComplete", "Nope",
]  # fmt: skip
OPTIONS = [
    "duration", "timeout", "event", "if", "function_id", "payload", "signal", "conflict", "url",
    "headers", "body", "method", "publish", "input", "fn_slug", "meta", "parallelMode", "format",
]  # fmt: skip
USABLE = {
    "url": "http://app.test/", "event": "e2", "signal": "s", "function_id": "app-g",
    "payload": {"data": {}}, "timeout": "1h", "duration": "1h",
}  # fmt: skip
KINDS = {"call", "sleep", "wait", "invoke", "signal", "fetch"}


class Nobody:
    """Reached by no request."""

    async def fetch(self, request: Outbound) -> Unreachable:
        return Unreachable(reason="nobody is there")

    async def close(self) -> None:
        return


class WildApp:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.calls = 0
        self.done: dict[tuple[str, str], Any] = {}
        self.problems: list[str] = []

    async def call(self, call: Call, *, now: int) -> Answer:
        self.calls += 1
        status, content, headers = self._answer() if self.calls < MOST_CALLS else (200, 1, {})
        return call.read(status, HEADERS | headers, json.dumps(content).encode(), now)

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        raise AssertionError

    async def close(self) -> None:
        return

    def _answer(self) -> tuple[int, Any, dict[str, str]]:
        pick, kind, headers = self.random.choice, self.random.random(), {}
        for name, values in {
            "x-inngest-req-version": ("1", "2", "-1", "x", "9" * 30, "", "0"),
            "retry-after": ("1", "x", "9" * 10, "2030-01-01T00:00:00Z", "-5", "9999-12-31T23:59:59Z"),
            "x-inngest-no-retry": ("true", "false", "1"),
        }.items():  # fmt: skip
            if self.random.random() < 0.2:
                headers[name] = pick(values)
        if kind < 0.8:
            return 206, [self._op() for _ in range(pick((0, 1, 1, 1, 2, 3)))], headers
        if kind < 0.9:
            return pick((200, 500, 400, 201, 204, 302, 404)), pick(VALUES), headers
        body = pick((pick(VALUES), json.dumps([{"op": "None"}]), json.dumps([self._op()])))
        status = pick((200, 206, 500, True, "x", 10**30))
        return 201, {"status": status, "headers": pick(VALUES), "body": body}, headers

    def _op(self) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        made: dict[str, Any] = {
            "op": pick(OPS),
            "id": pick(("a" * 40, "b" * 40, "c" * 40, pick(VALUES))),
        }
        for name in ("name", "displayName", "data", "error", "timing", "userland"):
            if chance() < 0.35:
                made[name] = pick(VALUES)
        if chance() < 0.5:
            made["error"] = {"name": "E", "message": "m"}
        if chance() < 0.2:
            made["opts"] = pick(VALUES)
        elif chance() < 0.8:
            names = self.random.sample(OPTIONS, self.random.randint(1, 6))
            made["opts"] = {name: pick(VALUES) for name in names}
            if chance() < 0.7:
                made["opts"] = USABLE | (made["opts"] if chance() < 0.3 else {})
        return made


async def look(engine: Engine) -> list[tuple[str, int, str]]:
    """At the newest runs, by all that shows them: what failed."""
    dashboard = Dashboard(engine, "localhost")
    transport = httpx.ASGITransport(build_app(engine, dashboard.routes()))
    failed = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for run in engine.runs(limit=4):
            run_id = run["run_id"]
            for url in ("v0/runs/{}/history", "v1/runs/{}/jobs", "v0/runs/{}/export", "v1/runs/{}"):
                answer = await client.get("/" + url.format(run_id))
                failed.append((url, answer.status_code, answer.text))
            query = '{ run(runID: "%s") { id status output trace { name childrenSpans { name outputID } } } }'
            answer = await client.post("/v0/gql", json={"query": query % run_id})
            failed.append(("gql", answer.status_code, answer.text))
    return [each for each in failed if each[1] != 200]


async def play(seed: int, watch: Watch) -> None:
    app, gateway = WildApp(seed), Nobody()
    engine = Engine(clock=VirtualClock(1_800_000_000_000), driver=app, gateway=gateway)
    await engine.start()
    try:
        functions = [config("app-f", "e", retries=2), config("app-g", "e2", retries=1)]
        engine.register({"appName": "app", "url": URL, "functions": functions})
        for _ in range(6):
            send(engine, app.random.choice(["e", "e", "e2"]), data={"x": 1})
            engine.signal("s", {"a": 1})
            minutes = app.random.choice([1, 30, 600])
            await watch.until(engine.advance(timedelta(minutes=minutes)))
        assert await look(engine) == []
        await watch.until(engine.advance(timedelta(days=400)))
        for run in engine.store.all("SELECT id FROM runs WHERE ended_at IS NULL"):
            items = engine.store.items_of(run["id"])
            assert items and all(i.kind in KINDS and i.due > engine.clock.now() for i in items)
        assert await look(engine) == []
    finally:
        await engine.stop()


@pytest.mark.parametrize("seed", [*range(10), 67])
def test_whatever_an_app_answers_its_runs_end_or_wait(seed: int, watch: Watch) -> None:
    bounded(lambda: play(seed, watch))
