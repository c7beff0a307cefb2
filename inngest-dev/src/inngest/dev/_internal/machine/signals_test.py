"""Signals: one waiter a name, at that moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.machine.signals import CONFLICT

SECOND = timedelta(seconds=1)


def waiter(body: dict[str, Any], target: str) -> Answer:
    if hashed("w") in body["steps"]:
        return 200, body["steps"][hashed("w")]
    opts = {"signal": "s", "timeout": "30s", **body["event"]["data"]}
    return 206, [op("w", "WaitForSignal", opts=opts)]


def test_a_signal_wakes_the_run_that_waits_for_it(app: App) -> None:
    app.function(config("app-fn", "x"), waiter)

    async def go() -> None:
        async with running(app) as engine:
            assert engine.signal("s", 1) is None
            event_id = send(engine, "x")
            await engine.settle()
            assert engine.signal("other", 1) is None
            run_id = engine.signal("s", {"hello": 1})
            run = await engine.wait_for_run(event_id)
            assert run["run_id"] == run_id
            assert run["output"] == {"data": {"signal": "s", "data": {"hello": 1}}}
            assert engine.signal("s", 2) is None, "it does not wait any more"

    bounded(go)


def test_a_wait_without_a_signal_ends_with_null(app: App) -> None:
    app.function(config("app-fn", "x"), waiter)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "x")
            await engine.advance(29 * SECOND)
            assert engine.runs()[0]["status"] == "Running"
            await engine.advance(1 * SECOND)
            assert (await engine.wait_for_run(event_id))["output"] is None

    bounded(go)


def test_a_second_waiter_fails(app: App) -> None:
    app.function(config("app-fn", "x", retries=4), waiter)

    async def go() -> None:
        async with running(app) as engine:
            first = send(engine, "x")
            await engine.settle()
            second = await engine.wait_for_run(send(engine, "x"))
            assert second["status"] == "Failed"
            assert second["output"]["error"]["message"] == CONFLICT
            assert engine.signal("s", None) == engine.store.runs(event_id=first)[0].id

    bounded(go)


def test_a_second_waiter_may_take_the_place_of_the_first(app: App) -> None:
    app.function(config("app-fn", "x"), waiter)

    async def go() -> None:
        async with running(app) as engine:
            first = send(engine, "x")
            await engine.settle()
            second = send(engine, "x", data={"conflict": "replace"})
            await engine.settle()
            assert engine.signal("s", 1) == engine.store.runs(event_id=second)[0].id
            assert not engine.store.runs(event_id=first)[0].ended
            await engine.advance(30 * SECOND)
            run = await engine.wait_for_run(first)
            assert (run["status"], run["output"]) == ("Completed", None)

    bounded(go)


def test_a_signal_without_a_name_fails_the_attempt(app: App) -> None:
    app.function(
        config("app-fn", "x"), lambda b, t: (206, [op("w", "WaitForSignal") | {"name": ""}])
    )

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert "without a signal" in run["output"]["error"]["message"]

    bounded(go)
