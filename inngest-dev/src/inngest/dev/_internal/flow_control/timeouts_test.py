"""Runs that take too long, to start or to end, are cancelled."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import App, bounded, config, running, send
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    Slow,
    data_of,
    nap,
    statuses,
    work,
)


@pytest.mark.parametrize(("which", "calls"), [("start", 0), ("finish", 1)])
def test_a_run_whose_time_ended_while_the_engine_was_down_is_not_called(
    app: App, tmp_path: Path, which: str, calls: int
) -> None:
    slow, clock, path = Slow(), VirtualClock(), str(tmp_path / "runs.db")
    app.function(config("app-fn", "x", timeouts={which: "1m"}), slow)

    async def go() -> None:
        async with running(app, db=path, clock=clock) as engine:
            later = 10_000 if which == "start" else 0
            send(engine, "x", data={"i": 0}, ts=clock.now() + later)
            if calls:
                await slow.started(0)
        clock.advance(timedelta(hours=1))
        slow.gates[0] = asyncio.Event()
        slow.finish(0)
        async with running(app, db=path, clock=clock) as engine:
            await engine.settle()
            assert statuses(engine) == ["Cancelled"]

    bounded(go)
    assert len(app.calls) == calls


def test_a_run_that_lasts_too_long_is_cancelled(app: App) -> None:
    app.function(config("app-fn", "x", timeouts={"finish": "3s", "start": "zz"}), nap("20s"))

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.advance(2.9 * SECOND)
        assert statuses(engine) == ["Running"]
        await engine.advance(0.1 * SECOND)
        assert statuses(engine) == ["Cancelled"]
        await engine.advance(20 * SECOND)
        assert len(app.calls) == 1

    work(app, go)


def test_a_run_is_cancelled_while_its_call_is_under_way(app: App) -> None:
    slow = Slow()
    app.function(config("app-fn", "x", timeouts={"finish": "2s"}), slow)

    async def go(engine: Engine) -> None:
        event_id = send(engine, "x", data={"i": 0})
        await slow.started(0)
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.advance(2 * SECOND)
        run = await engine.wait_for_run(event_id)
        assert run["status"] == "Cancelled"
        slow.finish(0)
        await engine.settle()
        assert engine.history(run["run_id"]) is not None
        assert statuses(engine) == ["Cancelled"]

    work(app, go)


def test_a_run_that_waits_too_long_for_its_start_is_never_called(app: App) -> None:
    settings = config("app-fn", "x", throttle={"limit": 1, "period": "1h"})
    app.function(settings | {"timeouts": {"start": "2s"}}, nap("10s"))

    async def go(engine: Engine) -> None:
        for i in range(2):
            send(engine, "x", data={"i": i})
        await engine.advance(2 * SECOND)
        assert statuses(engine) == ["Running", "Cancelled"]
        assert data_of(app) == [[0]]

    work(app, go)
