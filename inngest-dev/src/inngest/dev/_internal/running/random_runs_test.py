"""Random functions, limits, requests and restarts, and an independent account of all of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.conftest import URL, bounded, config, op
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.model.values import Event
from inngest.dev._internal.running.conftest import PlannedApp, Watch, stages
from inngest.dev._internal.store.store import Store

START = 1_800_000_000_000
ATTEMPTS = 2
RACES = 100
"""From this seed on, the members of groups race."""
FUNCTIONS = ["app-a", "app-b", "app-c"]
MS = {"5s": 5_000, "1m": 60_000, "1h": 3_600_000, "24h": 86_400_000}


def shared(random: Random) -> list[dict[str, Any]]:
    """Limits of two lanes that all functions may share."""
    keys = ("event.data.k", "event.data.l")
    return [{"limit": random.choice((1, 5)), "scope": "env", "key": key} for key in keys]


def options(random: Random) -> dict[str, Any]:
    def key() -> str | None:
        return random.choice([None, "event.data.k", "event.data.l"])

    def period() -> str:
        return random.choice(["5s", "1m", "1h"])

    def limits(scopes: tuple[str, ...] = ("fn", "env", "account")) -> list[dict[str, Any]]:
        found = []
        for _ in range(random.randint(1, 2)):
            scope = random.choice(scopes)
            given = key() if scope == "fn" else random.choice(["event.data.k", "event.data.l"])
            found.append({"limit": random.randint(1, 3), "scope": scope, "key": given})
        return found

    starts: dict[str, Any] = {
        "throttle": {"limit": random.randint(1, 2), "period": period(), "key": key()},
        "rateLimit": {"limit": random.randint(1, 2), "period": period(), "key": key()},
        "debounce": {"period": period(), "key": key()},
        "batchEvents": {"maxSize": random.randint(2, 3), "timeout": period(), "key": key()},
        "idempotency": "event.data.k",
        "singleton": {"mode": random.choice(["skip", "cancel"]), "key": key()},
    }
    found = dict(random.sample(list(starts.items()), random.choice((0, 1, 1, 2))))
    others: dict[str, Any] = {
        "concurrency": random.choice(
            [
                random.randint(1, 3),
                limits(),
                shared(random),
                {"fn": limits(("fn",))[:1], "step": limits()[:1]},
            ]
        ),
        "priority": {"run": random.choice(["event.data.k * 100", "0 - 60"])},
        "timeouts": {"start": "1h", "finish": period()},
        "cancel": [{"event": "stop", "if": "event.data.k == async.data.k"}],
    }
    return found | {name: given for name, given in others.items() if random.random() < 0.6}


def limits_of(settings: dict[str, Any]) -> list[tuple[int, str | None, str]]:
    given = settings.get("concurrency")
    if isinstance(given, dict):
        given = given["step"]
    if isinstance(given, int):
        return [(given, None, "fn")]
    return [(each["limit"], each["key"], each["scope"]) for each in given or ()]


class Play:
    """One engine after the other on one file, and all that is done to them."""

    def __init__(self, seed: int, path: Path, watch: Watch, *, deploys: bool = False) -> None:
        """`deploys`: functions come, go and change while their runs sleep."""
        self.random, self.path, self.watch = Random(seed), path, watch
        self.deploys = deploys
        self.gone: set[str] = set()
        self.app = PlannedApp(self.random)
        self.app.has_races = seed >= RACES
        self.settings: dict[str, dict[str, Any]] = {}
        self.now, self.restarts = START, 0
        self.again: set[str] = set()
        """Runs that were started whatever limits of starts there are."""
        self.jumps: list[tuple[int, int]] = []
        self.sent = 0
        for n, name in enumerate(FUNCTIONS):
            self.app.plans[name] = stages(self.random, FUNCTIONS[n + 1 :])
            self.settings[name] = options(self.random)
        if seed % 4 == 3:
            for settings in self.settings.values():
                settings["concurrency"] = shared(self.random)

    @property
    def engine(self) -> Engine:
        assert self.app.engine is not None
        return self.app.engine

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        engine = Engine(db=str(self.path), clock=VirtualClock(self.now), driver=self.app)
        self.app.engine = engine
        engine.subscribe(self.app.notice)
        await engine.start()
        try:
            self.register()
            yield
        finally:
            self.now = engine.clock.now()
            await engine.stop()

    def register(self) -> None:
        for name, settings in self.settings.items():
            if isinstance(self._register([name]), Refusal):  # what excludes each other
                self.settings[name] = {
                    n: s
                    for n, s in settings.items()
                    if n not in ("debounce", "batchEvents", "singleton")
                }
            self.app.limits[name] = limits_of(self.settings[name])
        taken = self._register([name for name in self.settings if name not in self.gone])
        assert not isinstance(taken, Refusal), taken

    def _register(self, names: list[str]) -> object:
        configs = [
            config(
                name, "go", retries=ATTEMPTS - 1,
                **{"triggers": [{"event": "go"}, {"event": name}], **self.settings[name]},
            )
            for name in names
        ]  # fmt: skip
        return self.engine.register({"appName": "app", "url": URL, "functions": configs})

    def send(self, name: str) -> None:
        random = self.random
        self.sent += 1
        data = {"k": random.randint(1, 2), "l": random.randint(1, 2), "n": self.sent}
        event: dict[str, Any] = {"name": name, "data": data}
        if random.random() < 0.2:
            event["id"] = random.choice("xyz")
        if random.random() < 0.1:
            event["ts"] = self.engine.clock.now() + random.choice([1000, 600_000])
        assert self.engine.send(json.dumps(event).encode()).error is None

    def some_run(self) -> str:
        runs = self.engine.store.all("SELECT id FROM runs ORDER BY created_at, rowid")
        return str(self.random.choice(runs)["id"]) if runs else "none"

    def act(self) -> None:
        engine, random, run_id = self.engine, self.random, self.some_run()
        match random.choice("eeeesswccrfikg"):
            case "e":
                self.send(random.choice(["go", "go", *FUNCTIONS]))
            case "w":
                self.send(random.choice(["w", "stop"]))
            case "s":
                engine.signal(random.choice("st"), {"by": "test"})
            case "c":
                engine.cancel(run_id)
            case "r":
                self.again.add(engine.rerun(run_id) or "")
            case "f":
                run = engine.store.run(run_id)
                if run is not None and run.stack:
                    again = engine.rerun(run_id, random.choice(run.stack))
                    self.again.add(again or "")
            case "i":
                engine.invoke(random.choice(FUNCTIONS), {"data": {"k": 1, "l": 2}})
            case "k":
                self.stale_checkpoint(run_id)
            case "g" if self.deploys:
                name = random.choice(FUNCTIONS)
                self.gone ^= {name}
                self.settings[name] = options(random)
                self.register()

    def stale_checkpoint(self, run_id: str) -> None:
        steps = [op(f"s{n}a", "StepRun", data="stale") for n in range(2)]
        known = self.app.known[run_id]
        body = {
            "fn_id": "00000000-0000-4000-8000-000000000000",
            "generation_id": 77,
            "request_started_at": 0,
            "steps": [each for each in steps if each["id"] in known],
        }
        self.engine.checkpoint(run_id, body)

    async def request(self) -> None:
        """What tools ask for."""
        run_id = self.some_run()
        api = httpx.ASGITransport(build_app(self.engine))
        query = 'query { run(runID: "%s") { id status trace { name childrenSpans { name } } } }'
        async with httpx.AsyncClient(transport=api, base_url="http://dev") as client:
            answers = [
                await client.post("/v0/gql", json={"query": query % run_id}),
                await client.delete(f"/v1/runs/{run_id}"),
                await client.get(f"/v0/runs/{run_id}/history"),
                await client.get(f"/v1/runs/{run_id}/jobs"),
                await client.post("/v1/signals", json={"signal": "s", "data": 1}),
                await client.post("/v1/realtime/publish?channel=c&topic=t", json={"x": 1}),
            ]
        assert [a.text for a in answers if a.status_code >= 500] == []

    async def some_time(self) -> None:
        for _ in range(self.random.randint(0, 8)):
            await asyncio.sleep(0)
        seconds = self.random.choice([0, 0, 1, 20, 90, 4000])
        if seconds:
            await self.watch.until(self.engine.advance(timedelta(seconds=seconds)))

    async def go(self) -> None:
        for _ in range(3):
            async with self.running():
                self.restarts += 1
                for _ in range(6):
                    for _ in range(self.random.randint(1, 5)):
                        self.act()
                    await self.some_time()
                if self.random.random() < 0.3:
                    await self.request()
            if self.random.random() < 0.3:
                self.jumps.append((self.now, self.now + 2 * 86_400_000))
                self.now += 2 * 86_400_000
        self.gone.clear()
        async with self.running():
            await self.watch.until(self.engine.advance(timedelta(days=9)))
            self.check()

    def check(self) -> None:
        store = self.engine.store
        assert self.app.problems == []
        runs = store.all("SELECT * FROM runs ORDER BY created_at, rowid")
        assert [dict(run) for run in runs if run["ended_at"] is None] == []
        assert [dict(row) for row in store.all("SELECT * FROM items")] == []
        admission = self.engine._started.executor._admission
        assert not admission._taken and not +admission._under_way and not admission._throttled
        longest = max((len(plan) for plan in self.app.plans.values()), default=0)
        most = (3 * longest + 1) * (ATTEMPTS + 1) + self.restarts
        assert [n for n in self.app.calls.values() if n > most] == []
        if self.deploys:
            return
        for function_id, settings in self.settings.items():
            own = [run for run in runs if run["function_id"] == function_id]
            Account(settings, own, store).check_whole_runs()
            triggered = [run for run in own if run["id"] not in self.again]
            Account(settings, triggered, store).check_starts()
            finish = settings.get("timeouts", {}).get("finish")
            for run in own:
                if finish and run["started_at"] is not None:
                    self.check_end(run["started_at"] + MS[finish], run["ended_at"])

    def check_end(self, latest: int, ended: int) -> None:
        for before, after in self.jumps:
            if before <= latest < after:
                latest = after
        assert ended <= latest


class Account:
    """What the runs of a function say of its limits, one key at a time."""

    def __init__(self, settings: dict[str, Any], runs: list[Any], store: Store) -> None:
        self.settings, self.runs, self.store = settings, runs, store

    def check_starts(self) -> None:
        settings = self.settings
        limit = settings.get("rateLimit")
        if "idempotency" in settings:  # it overrides a rate limit
            limit = {"limit": 1, "period": "24h", "key": settings["idempotency"]}
        if limit is not None and "batchEvents" not in settings:
            self._check_gaps(limit["key"], MS[limit["period"]] // limit["limit"])
        if "throttle" in settings:
            self._check_throttle(settings["throttle"])
        if "singleton" in settings:
            for lane in self._lanes(settings["singleton"]["key"]):
                for one, other in pairwise(lane):
                    assert one["ended_at"] <= other["created_at"]
        if "batchEvents" in settings:
            self._check_batches(settings["batchEvents"]["maxSize"])
        elif "debounce" in settings:
            for run in self.runs:
                collected = run["created_at"] - self._event(run).received_at
                assert collected >= MS[settings["debounce"]["period"]]
        else:
            self._check_ids()

    def check_whole_runs(self) -> None:
        """No more go on at a time than may, from their first calls to their ends."""
        given = self.settings.get("concurrency")
        if not isinstance(given, dict):
            return
        (limit,) = given["fn"]
        for lane in self._lanes(limit["key"]):
            for at in [run["started_at"] for run in lane]:
                beside = [run for run in lane if run["started_at"] <= at < run["ended_at"]]
                assert len(beside) <= limit["limit"]

    def _event(self, run: Any) -> Event:
        found = self.store.run(run["id"])
        assert found is not None
        return found.event

    def _lanes(self, key: str | None) -> list[list[Any]]:
        found: defaultdict[Any, list[Any]] = defaultdict(list)
        for run in self.runs:
            data = self._event(run).body["data"]
            found[None if key is None else data.get(key[-1])].append(run)
        return list(found.values())

    def _check_gaps(self, key: str | None, least: int) -> None:
        for lane in self._lanes(key):
            for one, other in pairwise(lane):
                assert other["created_at"] - one["created_at"] >= least

    def _check_throttle(self, limit: dict[str, Any]) -> None:
        for lane in self._lanes(limit["key"]):
            times = sorted(run["started_at"] for run in lane if run["status"] == "Completed")
            for n, first in enumerate(times):
                within = [at for at in times[n:] if at < first + MS[limit["period"]]]
                assert len(within) <= 2 * limit["limit"] + 1

    def _check_batches(self, size: int) -> None:
        batches = [each.events for run in self.runs if (each := self.store.run(run["id"]))]
        assert all(len(batch) <= size for batch in batches)
        counted = Counter(event.internal_id for batch in batches for event in batch)
        assert all(count == 1 for count in counted.values())

    def _check_ids(self) -> None:
        days: defaultdict[str, list[int]] = defaultdict(list)
        for run in self.runs:
            days[self._event(run).key].append(run["created_at"])
        for times in days.values():
            for one, other in pairwise(times):
                assert other - one >= MS["24h"], "an event starts a function once a day"


@pytest.mark.parametrize("deploys", [False, True])
@pytest.mark.parametrize("seed", [*range(6), 36, 91, 95, 108, 117, 136])
def test_whatever_is_done_runs_end_within_their_limits(
    seed: int, deploys: bool, tmp_path: Path, watch: Watch
) -> None:
    bounded(Play(seed, tmp_path / "runs.db", watch, deploys=deploys).go)
