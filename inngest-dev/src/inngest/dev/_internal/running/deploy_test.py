"""Apps that are deployed anew while their runs are under way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inngest.dev import Engine
from inngest.dev._internal.conftest import (
    URL,
    Answer,
    App,
    bounded,
    config,
    hashed,
    op,
    running,
    send,
)
from inngest.dev._internal.function.registration import Refusal

HOUR = timedelta(hours=1)


def deploy(engine: Engine, *configs: dict[str, Any]) -> None:
    outcome = engine.register({"appName": "app", "url": URL, "functions": list(configs)})
    assert not isinstance(outcome, Refusal), outcome


def nap(body: dict[str, Any], target: str) -> Answer:
    if hashed("nap") in body["steps"]:
        return 200, "rested"
    return 206, [op("nap", "Sleep", opts={"duration": "1h"})]


def test_a_function_that_is_missing_for_a_while_fails_no_run(app: App) -> None:
    kept, other = config("app-fn", "go"), config("app-other", "x")
    app.function(kept, nap)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "go")
            await engine.settle()
            deploy(engine, other)
            await engine.advance(HOUR)
            (run,) = engine.runs()
            shown = engine.history(str(run["run_id"])) or {}
            assert shown["status"] == "Running"
            assert "app-fn is not registered any more" in str(shown["attempts"][-1]["error"])
            deploy(engine, kept, other)
            await engine.advance(timedelta(minutes=1))
            assert (await engine.wait_for_run(event_id))["output"] == "rested"

    bounded(go)


def test_a_function_that_stays_missing_fails_its_runs(app: App) -> None:
    app.function(config("app-fn", "go"), nap)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "go")
            await engine.settle()
            deploy(engine)
            await engine.advance(2 * HOUR)
            run = await engine.wait_for_run(event_id)
            assert run["status"] == "Failed"
            assert "app-fn is not registered any more" in str(run["output"])

    bounded(go)


@pytest.mark.parametrize(
    ("options", "events"),
    [
        ({"batchEvents": {"maxSize": 9, "timeout": "5s"}}, [0, 1]),
        ({"debounce": {"period": "5s"}}, [1]),
    ],
)
def test_what_is_collected_is_kept_for_a_function_that_is_missing_for_a_while(
    app: App, tmp_path: Path, options: dict[str, Any], events: list[int]
) -> None:
    collecting, other = config("app-fn", "go", **options), config("app-other", "x")
    app.function(collecting, lambda b, t: (200, [e["data"]["n"] for e in b["events"]]))
    path = str(tmp_path / "engine.db")

    async def go() -> None:
        async with running(app, db=path) as engine:
            for n in range(2):
                send(engine, "go", data={"n": n})
            deploy(engine, other)
            await engine.advance(HOUR)
            assert engine.runs() == []
        app.configs.clear()
        async with running(app, db=path) as engine:
            await engine.advance(HOUR)
            deploy(engine, collecting, other)
            await engine.settle()
            assert [run["output"] for run in engine.runs()] == [events]

    bounded(go)


def test_a_function_that_another_app_takes_over_is_told(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with running(app) as engine:
            deploy(engine, config("app-b-c", "x"), config("app-d", "x"))
            deploy(engine, config("app-b-c", "x"), config("app-d", "x"))
            assert caplog.messages == []
            for _ in range(2):
                engine.register(
                    {"appName": "app-b", "url": URL, "functions": [config("app-b-c", "x")]}
                )
            (message,) = caplog.messages
            assert message.startswith('function "app-b-c" of app "app" is now one of app "app-b"')

    bounded(go)


# limits


def limit(number: int, key: str, **fields: Any) -> dict[str, Any]:
    return {"limit": number, "key": f"event.data.{key}", **fields}


BY_A, BY_B = limit(1, "a"), limit(5, "b")
RUNS_BY_A = {"step": [], "fn": [BY_A]}


class Crowd:
    """Runs that sleep for an hour, and then are called, one turn of the loop long."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    async def answer(self, body: dict[str, Any], target: str) -> Answer:
        if hashed("nap") not in body["steps"]:
            return nap(body, target)
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(20):
            await asyncio.sleep(0)
        self.inside -= 1
        return 200, "rested"


@pytest.mark.parametrize(
    ("before", "after", "most"),
    [
        ([BY_A, BY_B], [BY_B, BY_A], 1),
        ([BY_B], [BY_A], 1),
        ([BY_B], [BY_A, BY_B], 1),
        ([BY_B, BY_A], [BY_A], 1),
        (None, [BY_A], 1),
        ([BY_A, BY_B], [BY_B], 3),
        ([BY_A], None, 3),
        ([limit(1, "b")], [limit(1, "b"), BY_B, ], 3),
    ],
    ids=["turned", "another", "added", "removed", "first", "released", "none", "second"],
)  # fmt: skip
def test_runs_that_sleep_meet_the_limits_of_the_new_version(
    app: App, before: Any, after: Any, most: int
) -> None:
    crowd = Crowd()
    app.function(config("app-fn", "go", concurrency=before), crowd.answer)

    async def go() -> None:
        async with running(app) as engine:
            for number in range(3):
                send(engine, "go", data={"a": "same", "b": number})
            await engine.settle()
            deploy(engine, config("app-fn", "go", concurrency=after))
            await engine.advance(HOUR)
            assert [run["output"] for run in engine.runs()] == ["rested"] * 3
            assert crowd.most == most

    bounded(go)


@pytest.mark.parametrize("ahead", [timedelta(0), HOUR], ids=["asleep", "not begun"])
def test_a_new_limit_of_runs_counts_those_that_are_there(app: App, ahead: timedelta) -> None:
    app.function(config("app-fn", "go"), nap)

    async def go() -> None:
        async with running(app) as engine:
            due = engine.clock.now() + ahead // timedelta(milliseconds=1)
            send(engine, "go", data={"a": 1}, ts=due)
            await engine.settle()
            deploy(engine, config("app-fn", "go", concurrency=RUNS_BY_A))
            send(engine, "go", data={"a": 1}, ts=due)
            send(engine, "go", data={"a": 2}, ts=due)
            await engine.advance(ahead)
            assert sorted(run["status"] for run in engine.runs()) == [
                "Running",
                "Running",
                "Scheduled",
            ]
            await engine.advance(HOUR)
            assert [run["status"] for run in engine.runs()].count("Completed") == 2
            await engine.advance(HOUR)
            assert {run["status"] for run in engine.runs()} == {"Completed"}

    bounded(go)


def test_a_limit_that_is_gone_keeps_no_other_function_waiting(app: App) -> None:
    shared = {"step": [], "fn": [limit(1, "a", scope="env")]}
    one, two = (config(f"app-{name}", name, concurrency=shared) for name in ("one", "two"))
    app.function(one, nap)
    app.function(two, nap)

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "one", data={"a": 1})
            await engine.settle()
            event_id = send(engine, "two", data={"a": 1})
            await engine.settle()
            assert [run["status"] for run in engine.runs()] == ["Scheduled", "Running"]
            deploy(engine, config("app-one", "one"), two)
            await engine.settle()
            assert [run["status"] for run in engine.runs()] == ["Running", "Running"]
            await engine.advance(HOUR)
            assert (await engine.wait_for_run(event_id))["output"] == "rested"

    bounded(go)


def test_runs_that_lost_their_function_for_a_while_take_the_places_of_its_new_version(
    app: App,
) -> None:
    app.function(config("app-fn", "go"), nap)

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "go", data={"a": 1})
            await engine.settle()
            deploy(engine)
            deploy(engine, config("app-fn", "go", concurrency=RUNS_BY_A))
            send(engine, "go", data={"a": 1})
            await engine.settle()
            assert [run["status"] for run in engine.runs()] == ["Scheduled", "Running"]

    bounded(go)


def test_a_singleton_with_another_key_knows_the_runs_that_are_there(app: App) -> None:
    app.function(
        config("app-fn", "go", singleton={"key": "event.data.a", "mode": "skip"}), nap
    )  # fmt: skip

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "go", data={"a": 1, "b": 2})
            await engine.settle()
            deploy(
                engine, config("app-fn", "go", singleton={"key": "event.data.b", "mode": "skip"})
            )
            send(engine, "go", data={"a": 2, "b": 1})
            await engine.settle()
            assert len(engine.runs()) == 2
            send(engine, "go", data={"a": 3, "b": 2})
            await engine.settle()
            assert len(engine.runs()) == 2

    bounded(go)


def test_a_throttle_with_another_key_holds_for_runs_that_are_to_start(app: App) -> None:
    throttle = {"limit": 1, "period": "1m"}
    app.function(config("app-fn", "go", throttle={**throttle, "key": "event.data.b"}), nap)

    async def go() -> None:
        async with running(app) as engine:
            due = engine.clock.now() + HOUR // timedelta(milliseconds=1)
            for number in range(3):
                send(engine, "go", data={"a": "same", "b": number}, ts=due)
            deploy(engine, config("app-fn", "go", throttle={**throttle, "key": "event.data.a"}))
            for started in (1, 2, 3):
                await engine.advance(HOUR if started == 1 else timedelta(minutes=1))
                assert [run["status"] for run in engine.runs()].count("Running") == started

    bounded(go)
