"""Failed attempts that are made again are told, and kept in the history of their run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inngest.dev import Engine
from inngest.dev._internal.conftest import (
    Answer,
    App,
    bounded,
    config,
    hashed,
    op,
    running,
    send,
)
from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable
from inngest.dev._internal.model.values import Setback

ERROR = {"name": "ValueError", "message": "no"}
FAILURES: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "a step": ([op("a", "StepError", error=ERROR)], "a", "no"),
    "a step behind others": ([op("b", "StepRun"), op("a", "StepError", error=ERROR)], "a", "no"),
    "a step with an odd name": (
        [op("{'b': 1}", "StepError", error=ERROR) | {"displayName": {"b": 1}}], "{'b': 1}", "no",
    ),
    "an answer that cannot be used": ([op("a", "Nonsense")], "", "unknown step operation"),
    "a request": ([op("a", "Gateway", opts={"url": "http://x"})], "a", "is down"),
}  # fmt: skip


class Down:
    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        return Unreachable(reason="it is down")

    async def close(self) -> None: ...


@pytest.mark.parametrize("body", ["", {}, None])
def test_an_error_without_a_word_is_told_by_its_status(app: App, body: object) -> None:
    app.function(config("app-fn", "go", retries=1), lambda b, t: (503, body))
    told: list[Setback] = []

    async def go() -> None:
        async with running(app) as engine:
            engine.subscribe_to_setbacks(told.append)
            send(engine, "go")
            await engine.settle()

    bounded(go)
    assert [setback.error["message"] for setback in told] == ["invalid status code: 503"]


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failed_attempt_is_told_with_its_step_its_error_and_the_next_one(
    app: App, kind: str
) -> None:
    ops, step, message = FAILURES[kind]

    def script(body: dict[str, Any], target: str) -> Answer:
        return 206, [each for each in ops if each["id"] not in body["steps"]]

    app.function(config("app-fn", "go", retries=2), script)
    told: list[Setback] = []

    async def go() -> dict[str, Any]:
        async with running(app, backoff=[10, 20], gateway=Down()) as engine:
            engine.subscribe_to_setbacks(told.append)
            send(engine, "go")
            await engine.advance(timedelta(seconds=10))
            return shown(engine)

    history = bounded(go)
    assert [(t.step or "", t.attempt, t.max_attempts, t.wait) for t in told] == [
        (step, 0, 3, 10_000),
        (step, 1, 3, 20_000),
    ]
    assert {t.run_id for t in told} == {history["run_id"]}
    assert all(message in str(t.error) for t in told)
    failed = [a for a in history["attempts"] if a["outcome"] == "failed"]
    assert [a["attempt"] for a in failed] == [0, 1]
    assert {a["step_id"] for a in failed} == {hashed(step) if step else "step"}
    assert all(message in str(a["error"]) for a in failed)
    (waiting,) = history["waiting"]
    assert (waiting["job_id"], waiting["attempt"]) == (failed[-1]["job_id"], 2)


def shown(engine: Engine) -> dict[str, Any]:
    (run,) = engine.runs()
    return engine.history(str(run["run_id"])) or {}


def test_the_last_failed_attempt_and_a_final_error_are_no_setbacks(app: App) -> None:
    app.function(config("app-fn", "go"), lambda b, t: (500, ERROR))
    final = {"x-inngest-no-retry": "true"}
    app.function(config("app-final", "go", retries=5), lambda b, t: (500, ERROR, final))
    told: list[Setback] = []

    async def go() -> None:
        async with running(app) as engine:
            engine.subscribe_to_setbacks(told.append)
            send(engine, "go")
            await engine.advance(timedelta(hours=1))
            assert {run["status"] for run in engine.runs()} == {"Failed"}

    bounded(go)
    assert told == []


def test_a_listener_that_fails_stops_no_run(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.function(config("app-fn", "go", retries=1), lambda b, t: (500, ERROR))

    def fail(setback: Setback) -> None:
        raise ZeroDivisionError

    async def go() -> None:
        async with running(app) as engine:
            engine.subscribe_to_setbacks(fail)
            event_id = send(engine, "go")
            await engine.advance(timedelta(hours=1))
            assert (await engine.wait_for_run(event_id))["status"] == "Failed"

    bounded(go)
    assert "a listener failed on run" in caplog.text
