"""Work that is not done yet: calls of apps that are known to be away."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.conftest import (
    URL,
    Answer,
    App,
    bounded,
    config,
    full_disk,
    hashed,
    op,
    running,
    send,
)
from inngest.dev._internal.running.engine import Engine

FULL = "the engine's database cannot be used: "


def test_calls_of_an_app_that_is_away_wait_and_all_else_goes_on(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("nap") in body["steps"]:
            return 200, "rested"
        return 206, [op("nap", "Sleep", opts={"duration": "1h"})]

    limited = config("app-fn", "go", concurrency=[{"limit": 1}])
    app.function(limited, script)

    async def go() -> None:
        async with running(app) as engine:
            asleep = send(engine, "go")
            await engine.settle()
            engine.hold(lambda url: url.startswith(URL))
            later = send(engine, "go")
            await engine.advance(timedelta(hours=3))
            assert len(app.calls) == 1, "nobody was called"
            assert [run["status"] for run in engine.runs()] == ["Scheduled", "Running"]
            (run,) = [run for run in engine.runs() if run["event_id"] == asleep]
            shown = engine.history(run["run_id"]) or {}
            assert [step["state"] for step in shown["steps"]] == ["completed"], "its nap is over"
            engine.hold()
            assert (await engine.wait_for_run(asleep))["status"] == "Completed"
            await engine.advance(timedelta(hours=1))
            run = await engine.wait_for_run(later)
            assert (run["status"], run["output"]) == ("Completed", "rested")
            assert {call["ctx"]["attempt"] for call in app.calls} == {0}

    bounded(go)


def test_it_is_known_which_apps_are_being_called(app: App) -> None:
    seen: list[bool] = []
    engines: list[Engine] = []

    def script(body: dict[str, Any], target: str) -> Answer:
        seen.extend(engines[0].is_calling(url) for url in (URL, "http://elsewhere"))
        return 200, None

    app.function(config("app-fn", "go"), script)

    async def go() -> None:
        async with running(app) as engine:
            engines.append(engine)
            await engine.wait_for_run(send(engine, "go"))
            await engine.settle()
            assert seen == [True, False]
            assert not engine.is_calling(URL)

    bounded(go)


def test_a_run_whose_turn_comes_while_the_disk_is_full_is_started_later(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle = {"limit": 1, "period": "1s"}
    app.function(config("app-fn", "go", throttle=throttle), lambda body, target: (200, None))
    full = [sqlite3.OperationalError("database or disk is full")]

    async def go() -> None:
        async with running(app) as engine:
            for _ in range(2):
                send(engine, "go")
            await engine.settle()
            unpark = engine.store.unpark

            def fails_once(at: str) -> bool:
                if full:
                    raise full.pop()
                return unpark(at)

            monkeypatch.setattr(engine.store, "unpark", fails_once)
            await engine.advance(timedelta(seconds=1))
            assert [run["status"] for run in engine.runs()] == ["Completed", "Completed"]

    bounded(go)
    assert full == []


def test_a_result_that_found_the_disk_full_is_kept_and_its_step_is_not_run_again(
    app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, disk, told = tmp_path / "runs.db", ExitStack(), asyncio.Event()

    def notice(record: logging.LogRecord) -> bool:
        told.set()
        return True

    monkeypatch.setattr(logging.getLogger("inngest.dev"), "filters", [notice])

    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("pay") in body["steps"]:
            return 200, "paid"
        disk.enter_context(full_disk(path))
        return 206, [op("pay", "StepRun", data="x" * 10_000)]

    app.function(config("app-fn", "go"), script)

    async def go() -> None:
        async with running(app, db=str(path)) as engine:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://dev") as client:
                first = await client.post("/e/k", json={"name": "go"})
                await told.wait()
                event = {"name": "go", "data": {"much": "x" * 10_000}}
                refused = await client.post("/e/k", json=event)
                disk.close()
            assert (refused.status_code, refused.json()["error"]) == (500, f"{FULL}disk I/O error")
            run = await engine.wait_for_run(first.json()["ids"][0])
            assert (run["status"], run["output"]) == ("Completed", "paid")
            assert len(engine.runs()) == 1

    with disk, caplog.at_level(logging.ERROR, "inngest.dev"):
        bounded(go)
    assert len(app.calls) == 2, "one for the step, one for what is behind it"
    assert all(record.exc_info is None for record in caplog.records)
    assert f"{FULL}disk I/O error" in caplog.text


def test_an_app_whose_calls_hang_holds_up_no_other(app: App) -> None:
    gate = asyncio.Event()

    async def hang(body: dict[str, Any], target: str) -> Answer:
        await gate.wait()
        return 200, "late"

    app.scripts |= {"hanging-fn": hang, "sound-fn": lambda b, t: (200, "done")}

    async def go() -> None:
        async with running(app, concurrency=3) as engine:
            for name in ("hanging", "sound"):
                functions = [config(f"{name}-fn", name)]
                engine.register({"appName": name, "url": URL, "functions": functions})
            late = [send(engine, "hanging") for _ in range(9)]
            run = await engine.wait_for_run(send(engine, "sound"), 20)
            assert run["output"] == "done"
            assert len(app.calls) == 3 + 1, "it has no more places than before"
            gate.set()
            for event_id in late:
                assert (await engine.wait_for_run(event_id, 20))["output"] == "late"

    bounded(go)
