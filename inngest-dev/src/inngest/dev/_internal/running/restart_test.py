"""Starts on a file that was written when the clock, or the options of functions, were others."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import URL, App, bounded, config, running, send
from inngest.dev._internal.protocol.answer import Answer, Returned
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.running import registering

START = 1_800_000_000_000
YEAR = 365 * 24 * 3600 * 1000


@pytest.mark.parametrize("is_registered_again", [True, False])
def test_a_clock_that_was_set_back_stops_no_schedule_and_no_limit(
    app: App, tmp_path: Path, is_registered_again: bool
) -> None:
    options: dict[str, dict[str, Any]] = {
        "rate": {"rateLimit": {"limit": 1, "period": "1m"}},
        "throttled": {"throttle": {"limit": 1, "period": "1m"}},
        "debounced": {"debounce": {"period": "1m"}},
        "batched": {"batchEvents": {"maxSize": 9, "timeout": "60s"}},
        "every-five": {"triggers": [{"cron": "*/5 * * * *"}]},
        "jittered": {"triggers": [{"cron": "*/5 * * * *", "jitter": "2m"}]},
    }
    for name, given in options.items():
        app.function(config(name, "go", **given), lambda b, t: (200, None))

    async def go() -> None:
        async with running(app, db=str(tmp_path / "x.db"), clock=VirtualClock(START + YEAR)) as e:
            send(e, "go", ts=START)
            await e.settle()
        if not is_registered_again:
            app.configs.clear()
        async with running(app, db=str(tmp_path / "x.db"), clock=VirtualClock(START)) as e:
            before = {run["run_id"] for run in e.runs()}
            send(e, "go")
            await e.advance(timedelta(minutes=13))
            new = Counter(
                r["function_id"]
                for r in e.runs()
                if r["run_id"] not in before and r["status"] == "Completed"
            )
        assert new == {
            "rate": 1, "throttled": 1, "debounced": 1, "batched": 1, "every-five": 2, "jittered": 2
        }  # fmt: skip

    bounded(go)


def test_a_clock_that_is_set_back_while_the_engine_runs_stops_no_schedule(app: App) -> None:
    options: dict[str, dict[str, Any]] = {
        "throttled": {"throttle": {"limit": 1, "period": "1m"}},
        "debounced": {"debounce": {"period": "1m"}},
        "batched": {"batchEvents": {"maxSize": 9, "timeout": "60s"}},
        "every-five": {"triggers": [{"cron": "*/5 * * * *"}]},
    }
    for name, given in options.items():
        app.function(config(name, "go", **given), lambda b, t: (200, None))

    async def go() -> None:
        clock = VirtualClock(START + YEAR)
        async with running(app, clock=clock) as engine:
            for _ in range(2):
                send(engine, "go", ts=START)
            await engine.settle()
            clock._now = START
            engine.scheduler.wake()  # the real clock does so every ten seconds
            await engine.advance(timedelta(minutes=11))
            assert Counter(run["function_id"] for run in engine.runs()) == {
                "throttled": 2, "debounced": 1, "batched": 1, "every-five": 2
            }  # fmt: skip
            assert {run["status"] for run in engine.runs()} == {"Completed"}

    bounded(go)


def test_an_engine_that_is_started_again_calls_by_the_driver_that_it_was_given(app: App) -> None:
    app.function(config("app-fn", "go"), lambda b, t: (200, "done"))

    class Given:
        """An app by no URL, whose driver can be used again."""

        async def call(self, call: Call, *, now: int) -> Answer:
            return Returned(output="given")

        async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
            raise AssertionError

        async def close(self) -> None:
            return

    async def go() -> None:
        engine = Engine(clock=VirtualClock(START), driver=Given())
        for _ in range(2):
            await engine.start()
            engine.register({"appName": "app", "url": URL, "functions": app.configs})
            send(engine, "go")
            await engine.settle()
            assert [run["output"] for run in engine.runs()] == ["given"]
            await engine.stop()

    bounded(go)


def test_a_start_that_fails_lets_go_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def go() -> None:
        engine, another = (Engine(db=str(tmp_path / "x.db")) for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(registering, "resume", is_full)
            with pytest.raises(sqlite3.OperationalError):
                await engine.start()
        for each in (another, engine):
            await each.start()
            await each.stop()

    bounded(go)


def test_a_clock_that_is_set_back_a_little_repeats_no_tick(app: App, tmp_path: Path) -> None:
    app.function(config("app-fn", "x", triggers=[{"cron": "* * * * *"}]), lambda b, t: (200, None))
    minute = START - START % 60_000 + 60_000

    async def go() -> None:
        for now in (minute - 1, minute - 100):
            async with running(app, db=str(tmp_path / "x.db"), clock=VirtualClock(now)) as engine:
                await engine.advance(timedelta(milliseconds=200))
                assert len(engine.runs()) == 1

    bounded(go)


def test_what_is_collected_waits_no_longer_than_a_new_version_says(
    app: App, tmp_path: Path
) -> None:
    def version(timeout: str) -> None:
        app.configs.clear()
        batch = {"maxSize": 9, "timeout": timeout}
        app.function(config("app-fn", "go", batchEvents=batch), lambda b, t: (200, None))

    async def go() -> None:
        version("1h")
        async with running(app, db=str(tmp_path / "x.db"), clock=VirtualClock(START)) as engine:
            send(engine, "go")
        version("5s")
        async with running(app, db=str(tmp_path / "x.db"), clock=VirtualClock(START)) as engine:
            await engine.advance(timedelta(seconds=5))
            assert len(engine.runs()) == 1

    bounded(go)
