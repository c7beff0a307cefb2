"""A rerun keeps what was done before a step, and may give the step other arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inngest.dev import Engine
from inngest.dev._internal.conftest import App, bounded, config, hashed, op, running, send

RECORDING = Path(__file__).parents[6] / "tests/recordings/rerun_with_step_input.json"


def two_steps(app: App) -> None:
    def script(call: dict[str, Any], target: str) -> Any:
        steps = call["steps"]
        for name in "ab":
            memo = steps.get(hashed(name), {})
            if "data" not in memo:
                used = memo.get("input", ["orig"])
                opts = {"input": used, "type": "step.run"}
                return 206, [op(name, "StepRun", opts=opts, data={"used": used})]
        return 200, {name: steps[hashed(name)]["data"]["used"] for name in "ab"}

    app.function(config("fn", "go", retries=1), script)


async def rerun(engine: Engine, step: str, arguments: list[Any] | None) -> dict[str, Any]:
    send(engine, "go")
    await engine.settle()
    (run,) = engine.runs()
    again = engine.rerun(str(run["run_id"]), hashed(step), arguments)
    assert again is not None
    await engine.settle()
    return engine.history(again) or {}


def test_a_step_is_run_with_other_arguments_as_recorded(app: App) -> None:
    recorded = [
        exchange
        for exchange in json.loads(RECORDING.read_text("utf-8"))["exchanges"]
        if exchange["direction"] == "server->sdk"
    ][2:]

    async def work() -> None:
        two_steps(app)
        async with running(app) as engine:
            history = await rerun(engine, "a", ["changed"])
            assert (history["status"], history["output"]) == (
                "Completed", {"a": ["changed"], "b": ["orig"]},
            )  # fmt: skip
            assert [step["input"] for step in history["steps"]] == [["changed"], ["orig"]]
            assert [step["op"] for step in history["steps"]] == ["StepRun", "StepRun"]

    bounded(work)
    calls = list(zip(app.calls, app.targets, strict=True))[3:5]
    for (call, target), exchange in zip(calls, recorded, strict=True):
        wanted = exchange["body"]
        assert f"&stepId={target}" in exchange["path"]
        assert call["steps"] == wanted["steps"]
        assert call["version"] == wanted["version"]
        assert call["ctx"]["stack"] == wanted["ctx"]["stack"]
        assert call["ctx"]["disable_immediate_execution"] is False


def test_what_was_before_the_step_is_kept(app: App) -> None:
    async def work() -> None:
        two_steps(app)
        async with running(app) as engine:
            history = await rerun(engine, "b", [1, None])
            assert history["output"] == {"a": ["orig"], "b": [1, None]}
            assert app.targets[3:] == [hashed("b"), "step"]

    bounded(work)


def test_a_step_with_other_arguments_is_retried_with_them(app: App) -> None:
    failed: list[Any] = []

    async def work() -> None:
        two_steps(app)
        script = app.scripts["fn"]

        def failing(call: dict[str, Any], target: str) -> Any:
            if target == hashed("a") and not failed:
                failed.append(call["steps"])
                error = {"name": "Error", "message": "not yet"}
                return 206, [op("a", "StepError", error=error)]
            return script(call, target)

        app.scripts["fn"] = failing
        async with running(app, backoff=[0]) as engine:
            history = await rerun(engine, "a", ["changed"])
            assert history["output"] == {"a": ["changed"], "b": ["orig"]}

    bounded(work)
    assert failed == [{hashed("a"): {"input": ["changed"]}}]


def test_other_arguments_survive_a_restart(app: App, tmp_path: Path) -> None:
    db = str(tmp_path / "engine.db")

    async def work() -> None:
        two_steps(app)
        async with running(app, db=db) as engine:
            send(engine, "go")
            await engine.settle()
            (run,) = engine.runs()
            again = engine.rerun(str(run["run_id"]), hashed("a"), ["changed"])
        assert again is not None
        async with running(app, db=db) as engine:
            await engine.settle()
            assert (engine.history(again) or {})["output"] == {"a": ["changed"], "b": ["orig"]}

    bounded(work)
