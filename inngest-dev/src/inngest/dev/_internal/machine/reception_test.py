"""What an event brings about besides starting runs: waits, invocations, internal events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.flow_control.keys import holds
from inngest.dev._internal.machine import reception, runs

SECOND = timedelta(seconds=1)


def wait(**opts: Any) -> Any:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("w") in body["steps"]:
            return 200, body["steps"][hashed("w")]
        return 206, [op("w", "WaitForEvent", opts={"event": "y", "timeout": "10s", **opts})]

    return script


def test_a_wait_takes_the_first_event_that_meets_its_condition(app: App) -> None:
    condition = "event.data.id == async.data.id && async.data.n > 1"
    app.function(config("app-fn", "x"), wait(**{"if": condition}))

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "y", data={"id": 1, "n": 7})
            event_id = send(engine, "x", data={"id": 1})
            await engine.settle()
            for data in ({"id": 2, "n": 7}, {"id": 1, "n": 1}, {"id": 1, "n": "7"}, {}):
                send(engine, "y", data=data)
            await engine.settle()
            assert engine.runs()[0]["status"] == "Running"
            send(engine, "y", data={"id": 1.0, "n": 2})
            run = await engine.wait_for_run(event_id)
            assert run["output"]["data"] == {"id": 1.0, "n": 2}

    bounded(go)


def test_one_event_ends_any_number_of_waits_and_names_have_no_wildcards(app: App) -> None:
    app.function(config("app-one", "x"), wait())
    app.function(config("app-two", "x"), wait())
    app.function(config("app-star", "x"), wait(event="y/*"))

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "x")
            await engine.settle()
            send(engine, "y/a")
            send(engine, "y")
            await engine.settle()
            ended = {r["function_id"] for r in engine.runs() if r["status"] == "Completed"}
            assert ended == {"app-one", "app-two"}
            await engine.advance(10 * SECOND)
            outputs = {r["function_id"]: r["output"] for r in engine.runs()}
            assert outputs["app-star"] is None
            assert outputs["app-one"]["name"] == "y"

    bounded(go)


def test_an_event_is_asked_of_those_alone_whom_its_values_concern(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many runs wait, or could be cancelled."""
    condition = "event.data.id == async.data.id"
    cancel = [{"event": "stop", "if": condition}]
    app.function(config("app-fn", "x", cancel=cancel), wait(**{"if": condition}))
    asked: list[str] = []

    def counting(text: str, *given: Any) -> bool:
        asked.append(text)
        return holds(text, *given)

    for module in (reception, runs):
        monkeypatch.setattr(module, "holds", counting)

    async def go() -> None:
        async with running(app) as engine:
            for number in range(20):
                send(engine, "x", data={"id": f"order-{number}"})
            await engine.settle()
            asked.clear()
            for name, number in (("y", 7), ("stop", 8), ("y", 99), ("stop", 99)):
                send(engine, name, data={"id": f"order-{number}"})
            await engine.settle()
            assert asked == [condition] * 2
            ended = {run["status"]: run["event_id"] for run in engine.runs() if run["ended_at"]}
            assert set(ended) == {"Completed", "Cancelled"}

    bounded(go)


def invoke(**opts: Any) -> Any:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("i") in body["steps"]:
            return 200, body["steps"][hashed("i")]
        given = {"function_id": "app-child", "payload": {"data": body["event"]["data"]}, **opts}
        return 206, [op("i", "InvokeFunction", opts=given)]

    return script


def nap(body: dict[str, Any], target: str) -> Answer:
    if body["steps"]:
        return 200, "rested"
    return 206, [op("1h", "Sleep") | {"id": hashed("nap")}]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"rateLimit": {"limit": 1, "period": "1h"}}, "rate limited"),
        ({"singleton": {"mode": "skip"}}, "singleton"),
    ],
)
def test_an_invocation_that_starts_nothing_is_an_error(
    app: App, options: dict[str, Any], why: str
) -> None:
    app.function(config("app-parent", "x"), invoke())
    app.function(config("app-child", "-", **options), nap)

    async def go() -> None:
        async with running(app) as engine:
            first = send(engine, "x")
            await engine.settle()
            second = await engine.wait_for_run(send(engine, "x"))
            assert why in second["output"]["error"]["message"]
            await engine.advance(timedelta(hours=1))
            assert (await engine.wait_for_run(first))["output"] == {"data": "rested"}

    bounded(go)


def test_an_invocation_whose_place_a_later_one_takes_is_an_error(app: App) -> None:
    app.function(config("app-parent", "x"), invoke())
    app.function(config("app-child", "-", debounce={"period": "5s"}), nap)

    async def go() -> None:
        async with running(app) as engine:
            first, second, third = (send(engine, "x", data={"i": i}) for i in range(3))
            for each in (first, second):
                output = (await engine.wait_for_run(each, 20))["output"]
                assert "gave way to a later event" in output["error"]["message"]
            await engine.advance(5 * SECOND)
            await engine.advance(timedelta(hours=1))
            assert (await engine.wait_for_run(third))["output"] == {"data": "rested"}

    bounded(go)


def test_each_invocation_of_a_batch_gets_its_result(app: App) -> None:
    batch = {"maxSize": 2, "timeout": "1m"}
    app.function(config("app-parent", "x"), invoke())
    app.function(
        config("app-child", "-", batchEvents=batch),
        lambda b, t: (200, [e["data"]["i"] for e in b["events"]]),
    )

    async def go() -> None:
        async with running(app) as engine:
            ids = [send(engine, "x", data={"i": i}) for i in range(2)]
            for each in ids:
                assert (await engine.wait_for_run(each))["output"] == {"data": [0, 1]}
            (finished,) = [
                e for e in engine.store.events("inngest/function.finished", 10)
                if e.body["data"]["function_id"] == "app-child"
                and e.body["data"]["correlation_id"].startswith(engine.runs()[-1]["run_id"])
            ]  # fmt: skip
            assert len(finished.body["data"]["events"]) == 2

    bounded(go)


def test_a_cancelled_child_ends_the_invocation_and_a_cancelled_parent_spares_the_child(
    app: App,
) -> None:
    app.function(config("app-parent", "x"), invoke())
    app.function(config("app-child", "-"), nap)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "x")
            await engine.settle()
            child, parent = engine.runs()
            engine.cancel(child["run_id"])
            run = await engine.wait_for_run(event_id)
            assert run["output"]["name"] == "inngest/function.finished"
            assert run["output"]["data"]["_inngest"] == {"status": "Cancelled"}
            send(engine, "x")
            await engine.settle()
            child, parent = engine.runs()[:2]
            assert child["function_id"] == "app-child"
            engine.cancel(parent["run_id"])
            await engine.advance(timedelta(hours=1))
            assert [r["status"] for r in engine.runs()[:2]] == ["Completed", "Cancelled"]

    bounded(go)


def test_a_run_that_an_end_started_tells_nobody_of_its_own_end(app: App) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (500, {"name": "E", "message": "no"}))
    app.function(config("app-obs", "inngest/function.finished"), lambda b, t: (200, None))
    app.function(config("app-sad", "inngest/function.failed"), lambda b, t: (500, None))

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "x")
            await engine.settle()
            started = sorted(run["function_id"] for run in engine.runs())
            assert started == ["app-fn", "app-obs", "app-sad"]

    bounded(go)
