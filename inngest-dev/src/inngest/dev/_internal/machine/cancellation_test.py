"""Events cancel the runs that they are about."""

from __future__ import annotations

from typing import Any

from inngest.dev import Engine
from inngest.dev._internal.conftest import Answer, App, config, op, send
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    done,
    nap,
    statuses,
    work,
)


def test_an_event_cancels_the_runs_that_it_is_about(app: App) -> None:
    cancel = [
        {"event": "stop", "if": "event.data.id == async.data.id"},
        {"event": "late", "timeout": "1s"},
    ]
    app.function(config("app-fn", "x", cancel=cancel), nap("1h"))
    app.function(config("app-obs", "inngest/function.cancelled"), done)

    async def go(engine: Engine) -> None:
        first, second = (send(engine, "x", data={"id": i}) for i in (1, 2))
        await engine.advance(2 * SECOND)
        send(engine, "late")
        send(engine, "stop", data={"id": 2})
        await engine.settle()
        assert engine.store.runs(event_id=first)[0].status == "Running"
        (run,) = engine.store.runs(event_id=second)
        assert run.status == "Cancelled"
        (told,) = [c["event"] for c in app.calls if c["event"]["name"].startswith("inngest/")]
        assert told["id"] == told["data"]["run_id"] == run.id
        assert told["data"]["_inngest"] == {"status": "Cancelled"}
        assert not {"result", "error"} & set(told["data"])

    work(app, go)


def test_its_own_trigger_does_not_cancel_a_run_but_the_next_one_does(app: App) -> None:
    app.function(config("app-fn", "x", cancel=[{"event": "x"}]), nap("1h"))

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.settle()
        assert statuses(engine) == ["Running"]
        send(engine, "x")
        await engine.settle()
        assert statuses(engine) == ["Cancelled", "Running"]

    work(app, go)


def test_an_event_that_ends_a_wait_and_cancels_the_run_cancels_it(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        return 206, [op("w", "WaitForEvent", opts={"event": "y", "timeout": "1h"})]

    app.function(config("app-fn", "x", cancel=[{"event": "y"}]), script)

    async def go(engine: Engine) -> None:
        send(engine, "x")
        await engine.settle()
        send(engine, "y")
        await engine.settle()
        assert statuses(engine) == ["Cancelled"]
        assert len(app.calls) == 1

    work(app, go)
