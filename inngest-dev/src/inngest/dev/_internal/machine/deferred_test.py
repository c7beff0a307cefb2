"""Calls that go out when their run has ended."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.machine import deferred

CHILD = [{"event": "inngest/deferred.schedule",
          "expression": "event.data._inngest.fn_slug == 'app-child'"}]  # fmt: skip


def defer(name: str, **given: Any) -> dict[str, Any]:
    return op(name, "DeferAdd", opts={"fn_slug": "app-child", "input": given})


def inputs(app: App) -> list[Any]:
    events = [c["event"] for c in app.calls if c["event"]["name"] == deferred.DEFERRED_EVENT]
    return [{k: v for k, v in e["data"].items() if k != "_inngest"} for e in events]


def run_parent(app: App, script: Any) -> str:
    app.function(config("app-fn", "x"), script)
    app.function(config("app-child", "", triggers=CHILD), lambda b, t: (200, None))

    async def go() -> str:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            await engine.settle()
            return str(run["status"])

    return bounded(go)


@pytest.mark.parametrize(
    ("triggers", "reason"),
    [
        (None, "there is no such function"),
        ([{"event": "other"}], "no trigger of it does (TriggerDeferred)"),
        (CHILD, None),
    ],
)
def test_a_call_that_nobody_takes_is_told(
    app: App, caplog: pytest.LogCaptureFixture, triggers: Any, reason: str | None
) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (206, [op("a", "StepRun"), defer("d")])
                 if not b["steps"] else (200, None))  # fmt: skip
    app.function(config("app-all", "inngest/*"), lambda b, t: (200, None))
    if triggers is not None:
        app.function(config("app-child", "", triggers=triggers), lambda b, t: (200, None))

    async def go() -> str:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            await engine.settle()
            return str(run["run_id"])

    run_id = bounded(go)
    told = [each.getMessage() for each in caplog.records if "has deferred" in each.getMessage()]
    start = f'run {run_id} has deferred a call of function "app-child", which nobody takes: '
    assert told == ([] if reason is None else [start + reason])


def test_deferred_calls_go_out_at_the_end_but_for_those_that_are_aborted(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("a") not in body["steps"]:
            return 206, [op("a", "StepRun", data=1), defer("d1", n=1), defer("d2", n=2)]
        if hashed("b") not in body["steps"]:
            assert body["defers"] == {hashed("d1"): {"abortable": True},
                                      hashed("d2"): {"abortable": True}}  # fmt: skip
            abort = op("x", "DeferAbort", opts={"target_hashed_id": hashed("d2")})
            return 206, [op("b", "StepRun", data=2), abort]
        assert body["defers"][hashed("d2")] == {"abortable": False}
        assert not body["ctx"]["disable_immediate_execution"]
        return 200, "done"

    assert run_parent(app, script) == "Completed"
    assert inputs(app) == [{"n": 1}]
    (told,) = [
        c["event"]["data"]["_inngest"] for c in app.calls if "_inngest" in c["event"]["data"]
    ]
    assert (told["fn_slug"], told["parent_fn_slug"]) == ("app-child", "app-fn")
    assert told["parent_run_id"] == app.calls[0]["ctx"]["run_id"]


def test_the_call_goes_out_once_although_it_is_reported_again(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("a") not in body["steps"]:
            return 206, [op("a", "StepRun", data=1), defer("d", n=1)]
        return 206, [defer("d", n=2), op("complete", "RunComplete", data=1)]

    assert run_parent(app, script) == "Completed"
    assert inputs(app) == [{"n": 1}]


def test_a_failed_run_makes_its_deferred_calls_too(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("a") not in body["steps"]:
            return 206, [op("a", "StepRun", data=1), defer("d", n=1)]
        return 500, {"name": "E", "message": "no"}

    assert run_parent(app, script) == "Failed"
    assert inputs(app) == [{"n": 1}]


def test_what_is_over_a_limit_is_left_out(app: App, caplog: pytest.LogCaptureFixture) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if not body["steps"]:
            many = [defer(str(n), n=n) for n in range(deferred.MAX_DEFERS + 1)]
            return 206, [op("a", "StepRun", data=1), *many]
        return 200, None

    with caplog.at_level(logging.WARNING, "inngest.dev"):
        assert run_parent(app, script) == "Completed"
    assert sorted(each["n"] for each in inputs(app)) == list(range(deferred.MAX_DEFERS))
    assert "defers more than 20 calls" in caplog.text


@pytest.mark.parametrize(
    ("opts", "said"),
    [
        ({"input": {"x": "y" * deferred.MAX_INPUT}}, "over 4 MB"),
        ({"input": {}, "meta": "y" * deferred.MAX_META}, "over 32 KB"),
    ],
)
def test_what_is_too_large_is_left_out(
    app: App, caplog: pytest.LogCaptureFixture, opts: dict[str, Any], said: str
) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if body["steps"]:
            return 200, body["defers"]
        return 206, [op("a", "StepRun"), op("d", "DeferAdd", opts={"fn_slug": "app-child", **opts})]

    with caplog.at_level(logging.WARNING, "inngest.dev"):
        assert run_parent(app, script) == "Completed"
    assert inputs(app) == []
    assert said in caplog.text
