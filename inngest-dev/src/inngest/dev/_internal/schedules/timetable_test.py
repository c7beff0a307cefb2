"""Cron triggers start their functions on the virtual clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import App, config, send
from inngest.dev._internal.flow_control.conftest import (
    done,
    nap,
    start_of,
    work,
)


def test_cron_starts_its_function_at_each_tick(app: App) -> None:
    trigger = [{"cron": "TZ=Europe/Paris 0 9 * * *"}, {"event": "manual"}]
    app.function(config("app-fn", "", triggers=trigger), lambda b, t: (200, b["event"]))
    app.function(config("app-other", "inngest/scheduled.timer"), done)

    async def go(engine: Engine) -> None:
        await engine.advance(timedelta(days=2))
        runs = [run for run in reversed(engine.runs()) if run["function_id"] == "app-fn"]
        assert [run["started_at"] for run in runs] == [
            "2026-01-01T08:00:00.000Z",
            "2026-01-02T08:00:00.000Z",
        ]
        assert runs[0]["output"]["name"] == "inngest/scheduled.timer"
        assert runs[0]["output"]["data"] == {
            "cron": "TZ=Europe/Paris 0 9 * * *",
            "scheduledAt": "2026-01-01T08:00:00Z",
            "fireAt": "2026-01-01T08:00:00Z",
        }
        assert len(engine.runs()) == 4, "others may listen to the timer"

    work(app, go, clock=start_of(2026, 1, 1))


def test_registering_again_keeps_the_timers_and_drops_those_that_are_gone(app: App) -> None:
    app.function(config("app-fn", "", triggers=[{"cron": "0 * * * *"}]), done)

    async def go(engine: Engine) -> None:
        await engine.advance(timedelta(minutes=30))
        body = {"appName": "app", "url": "http://app.test", "functions": app.configs}
        engine.register(body)
        await engine.advance(timedelta(minutes=30))
        assert len(engine.runs()) == 1
        engine.register(body | {"functions": [config("app-fn", "x")]})
        await engine.advance(timedelta(hours=5))
        assert len(engine.runs()) == 1

    work(app, go, clock=start_of(2026, 1, 1))


def test_an_automatic_clock_runs_for_runs_but_not_for_cron_alone(app: App) -> None:
    app.function(config("app-cron", "", triggers=[{"cron": "0 * * * *"}]), done)
    app.function(config("app-fn", "x"), nap("150m"))
    moment = round(datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp() * 1000)

    async def go(engine: Engine) -> None:
        await engine.settle()
        assert engine.clock.now() == moment
        event_id = send(engine, "x")
        assert (await engine.wait_for_run(event_id))["output"] == "rested"
        await engine.settle()
        assert engine.clock.now() == moment + 150 * 60_000
        ticks = [run for run in engine.runs() if run["function_id"] == "app-cron"]
        assert len(ticks) == 2

    work(app, go, clock=VirtualClock(moment, auto=True))
