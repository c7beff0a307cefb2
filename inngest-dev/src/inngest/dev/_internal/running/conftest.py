"""Engines that are given random work, watched: they neither fail nor turn in circles."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from inngest.dev import Engine
from inngest.dev._internal.conftest import hashed, op
from inngest.dev._internal.machine.checkpoints import Rejected
from inngest.dev._internal.model.values import Item, Run
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.running.executor import Executor
from inngest.dev._internal.running.scheduler import Scheduler

MOST_TURNS = 1000
"""Turns of the scheduler, and tries of its items, at one moment of the clock. Honest work takes
some two hundred."""
HEADERS = {"x-inngest-sdk": "test:v1", "x-inngest-req-version": "2"}


class Watch(logging.Handler):
    """Stops the test when the engine fails or turns in circles; no clock of the wall does."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.turns = self.moment = self.most = 0
        self.errors: list[str] = []
        self.is_over = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(self.format(record))
        self.is_over.set()

    def turn(self, now: int) -> None:
        self.turns = self.turns + 1 if now == self.moment else 0
        self.moment, self.most = now, max(self.most, self.turns)
        if self.turns > MOST_TURNS:
            self.errors.append("the engine turns in circles")
            self.is_over.set()

    async def until(self, work: Coroutine[Any, Any, None]) -> None:
        done = asyncio.ensure_future(work)
        over = asyncio.ensure_future(self.is_over.wait())
        await asyncio.wait([done, over], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        done.cancel()
        assert self.errors == []
        await done


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch, take, admit = Watch(), Scheduler._take, Executor.admit

    def taken(scheduler: Scheduler) -> None:
        watch.turn(scheduler._clock.now())
        take(scheduler)

    def admitted(executor: Executor, item: Item) -> bool:
        watch.turn(executor._clock.now())
        return admit(executor, item)

    monkeypatch.setattr(Scheduler, "_take", taken)
    monkeypatch.setattr(Executor, "admit", admitted)
    log = logging.getLogger("inngest.dev")
    log.addHandler(watch)
    yield watch
    log.removeHandler(watch)
    assert watch.errors == []


@dataclass(frozen=True)
class Stage:
    """What a function does next: one step, or several at once."""

    kind: str
    names: tuple[str, ...]
    fails: int = 0
    """How many attempts of it fail."""
    fields: dict[str, Any] = field(default_factory=dict)


KINDS = ("step", "step", "group", "sleep", "wait", "signal", "invoke", "checkpoint", "crash")
UNBOUND = tuple(kind for kind in KINDS if kind != "invoke")


def stages(random: Random, functions: list[str]) -> list[Stage]:
    """`functions` are those that it may invoke."""
    found = []
    for number in range(random.randint(0, 3)):
        kind, name = random.choice(KINDS if functions else UNBOUND), f"s{number}"
        names = (f"{name}a", f"{name}b") if kind in ("group", "checkpoint") else (name,)
        fields: dict[str, dict[str, Any]] = {
            "sleep": {"duration": random.choice(["0s", "1s", "90s", "2h"])},
            "wait": {"event": "w", "timeout": "1h", "if": "event.data.k == async.data.k"},
            "signal": {"signal": random.choice("st"), "timeout": "1h", "conflict": "replace"},
            "invoke": {
                "function_id": random.choice(functions or [""]),
                "payload": {"data": {"k": random.randint(1, 2), "l": 1}},
                "timeout": "1h",
            },
        }
        fails = random.choice((0, 0, 0, 1, 2, 9))
        found.append(Stage(kind, names, fails, fields.get(kind, {})))
    return found


class PlannedApp:
    """Honest functions with random plans. It keeps what it was told, and what may not be."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.plans: dict[str, list[Stage]] = {}
        self.limits: dict[str, list[tuple[int, str | None, str]]] = {}
        """Of calls under way: limit, key and scope, by function."""
        self.engine: Engine | None = None
        self.has_races = False
        """Whether the members of its groups race."""
        self.discovering: set[str] = set()
        self.problems: list[str] = []
        self.calls: Counter[str] = Counter()
        self.under_way: Counter[tuple[Any, ...]] = Counter()
        self.known: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        """The results that are stored, by run and step."""

    def notice(self, run: Run) -> None:
        for step in run.steps.values():
            if step.state != "pending":
                memo = json.loads(json.dumps(step.memo))
                if self.known[run.id].setdefault(step.id, memo) != memo:
                    self.problems.append(f"the result of {step.name} of {run.id} has changed")

    async def call(self, call: Call, *, now: int) -> Answer:
        body, query = json.loads(call.body), parse_qs(urlsplit(call.url).query)
        function_id, target = query["fnId"][0], query["stepId"][0]
        run_id = body["ctx"]["run_id"]
        self.calls[run_id] += 1
        missing = self.known[run_id].keys() - body["steps"].keys()
        if target == "step" and missing and not self.has_races:
            # others of a group may end while one is called
            self.problems.append(f"a call of {run_id} was not told of {missing}")
        if target in self.known[run_id]:
            self.problems.append(f"{run_id} is asked again for {target}")
        places = self._enter(function_id, body["event"]["data"])
        if target == "step":
            if run_id in self.discovering:
                self.problems.append(f"two discoveries of {run_id} are under way")
            self.discovering.add(run_id)
        try:
            await self._linger()
            status, answer = self._answer(function_id, target, body)
            await self._linger()
        finally:
            self.under_way.subtract(places)
            if target == "step":
                self.discovering.discard(run_id)
        return call.read(status, HEADERS, json.dumps(answer).encode(), now)

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        raise AssertionError

    async def close(self) -> None:
        return

    async def _linger(self) -> None:
        for _ in range(self.random.choice([*range(5)] * 6 + [MOST_TURNS])):
            await asyncio.sleep(0)

    def _enter(self, function_id: str, data: dict[str, Any]) -> list[tuple[Any, ...]]:
        lanes: dict[tuple[Any, ...], int] = {}
        for limit, key, scope in self.limits.get(function_id, []):
            owner = function_id if scope == "fn" else ""
            lane = (scope, owner, key, None if key is None else data.get(key[-1]))
            lanes[lane] = min(limit, lanes.get(lane, limit))
        for lane, limit in lanes.items():
            self.under_way[lane] += 1
            if self.under_way[lane] > limit:
                self.problems.append(f"{self.under_way[lane]} calls in {lane} of {limit}")
        return list(lanes)

    def _answer(self, function_id: str, target: str, body: dict[str, Any]) -> tuple[int, Any]:
        attempt, steps = body["ctx"]["attempt"], body["steps"]
        for stage in self.plans[function_id]:
            if stage.kind == "crash":
                if target == "step" and attempt < stage.fails and not steps:
                    return 500, {"name": "Crash", "message": ""}
                continue
            if any(hashed(name) == target for name in stage.names):
                return 206, [_run(name, stage, attempt) for name in stage.names
                             if hashed(name) == target]  # fmt: skip
            missing = [name for name in stage.names if hashed(name) not in steps]
            failed = [
                s for name in stage.names if "error" in ((s := steps.get(hashed(name))) or {})
            ]
            if failed:
                return 400, {"name": "StepFailed", "message": ""}
            if not missing:
                continue
            if stage.kind == "checkpoint":
                self._checkpoint(body, missing)
                if stage.fails > attempt:
                    return 500, {"name": "Lost", "message": "after the checkpoint"}
                steps |= {hashed(name): {"data": name} for name in missing}
                continue
            return 206, [self._op(name, stage, attempt) for name in missing]
        return 200, "done"

    def _op(self, name: str, stage: Stage, attempt: int) -> dict[str, Any]:
        kinds = {"sleep": "Sleep", "wait": "WaitForEvent", "signal": "WaitForSignal",
                 "invoke": "InvokeFunction", "group": "StepPlanned"}  # fmt: skip
        if stage.kind == "step":
            return _run(name, stage, attempt)
        race = {"parallelMode": "race"} if self.has_races and stage.kind == "group" else {}
        return op(name, kinds[stage.kind], opts=stage.fields | race)

    def _checkpoint(self, body: dict[str, Any], names: list[str]) -> None:
        assert self.engine is not None
        ctx = body["ctx"]
        sent = {"fn_id": ctx["fn_id"], "qi_id": ctx["qi_id"],
                "generation_id": ctx["generation_id"], "request_started_at": 0,
                "steps": [op(name, "StepRun", data=name) for name in names]}  # fmt: skip
        answer = self.engine.checkpoint(ctx["run_id"], sent)
        if not isinstance(answer, Rejected):
            run = self.engine.store.run(ctx["run_id"])
            if run is None or any(hashed(name) not in run.stack for name in names):
                self.problems.append("a checkpoint that was taken is not stored")


def _run(name: str, stage: Stage, attempt: int) -> dict[str, Any]:
    if attempt < stage.fails:
        return op(name, "StepError", error={"name": "E", "message": "m"})
    return op(name, "StepRun", data=name)
