"""What is collected and timed survives a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from inngest.dev import Engine
from inngest.dev._internal.conftest import Answer, App, config, hashed, op, send
from inngest.dev._internal.flow_control.conftest import (
    done,
    nap,
    start_of,
    work,
)


def test_what_is_collected_and_timed_survives_a_restart(app: App, tmp_path: Path) -> None:
    file, clock = str(tmp_path / "engine.db"), start_of(2026, 1, 1)
    app.function(config("app-batch", "b", batchEvents={"maxSize": 9, "timeout": "1m"}), done)
    app.function(config("app-debounce", "d", debounce={"period": "1m"}), done)
    app.function(config("app-rate", "r", rateLimit={"limit": 1, "period": "1h"}), done)
    app.function(config("app-throttle", "t", throttle={"limit": 1, "period": "1m"}), done)
    app.function(config("app-cron", "", triggers=[{"cron": "1 0 * * *"}]), done)
    app.function(config("app-finish", "f", timeouts={"finish": "30s"}), nap("1h"))
    wait = op("w", "WaitForEvent", opts={"event": "w", "timeout": "1h", "if": "async.data.i == 2"})

    def waiter(body: dict[str, Any], target: str) -> Answer:
        return (200, body["steps"][hashed("w")]["data"]) if body["steps"] else (206, [wait])

    app.function(config("app-wait", "go"), waiter)

    async def before(engine: Engine) -> None:
        for name in ("b", "b", "d", "d", "r", "t", "t", "f", "go"):
            send(engine, name, data={"i": len(app.calls)})
            await engine.settle()

    async def after(engine: Engine) -> None:
        send(engine, "r")
        send(engine, "w", data={"i": 1})
        send(engine, "w", data={"i": 2})
        await engine.advance(timedelta(minutes=1))
        ended: dict[str, list[str]] = {}
        for run in engine.runs():
            ended.setdefault(run["function_id"].removeprefix("app-"), []).append(run["status"])
        assert ended == {
            "batch": ["Completed"],
            "debounce": ["Completed"],
            "rate": ["Completed"],
            "throttle": ["Completed"] * 2,
            "cron": ["Completed"],
            "finish": ["Cancelled"],
            "wait": ["Completed"],
        }
        (batch,) = [c for c in app.calls if len(c["events"]) == 2]
        assert [e["name"] for e in batch["events"]] == ["b", "b"]

    work(app, before, db=file, clock=clock)
    configs, app.configs = app.configs, []  # nothing is registered anew
    work(app, after, db=file, clock=clock)
    assert configs
