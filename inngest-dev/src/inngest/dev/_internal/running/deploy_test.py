"""Apps that are deployed anew while their runs are under way."""

from __future__ import annotations

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
