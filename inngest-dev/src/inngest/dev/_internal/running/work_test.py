"""Work that is not done yet: calls of apps that are known to be away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from inngest.dev._internal.conftest import (
    URL,
    Answer,
    App,
    bounded,
    config,
    hashed,
    op,
    running,
    send,
)


def test_calls_of_an_app_that_is_away_wait_and_all_else_goes_on(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("nap") in body["steps"]:
            return 200, "rested"
        return 206, [op("nap", "Sleep", opts={"duration": "1h"})]

    limited = config("app-fn", "go", concurrency=[{"limit": 1}])
    app.function(limited, script)

    async def go() -> None:
        async with running(app) as engine:
            asleep = send(engine, "go")
            await engine.settle()
            engine.hold(lambda url: url.startswith(URL))
            later = send(engine, "go")
            await engine.advance(timedelta(hours=3))
            assert len(app.calls) == 1, "nobody was called"
            assert [run["status"] for run in engine.runs()] == ["Scheduled", "Running"]
            (run,) = [run for run in engine.runs() if run["event_id"] == asleep]
            shown = engine.history(run["run_id"]) or {}
            assert [step["state"] for step in shown["steps"]] == ["completed"], "its nap is over"
            engine.hold()
            assert (await engine.wait_for_run(asleep))["status"] == "Completed"
            await engine.advance(timedelta(hours=1))
            run = await engine.wait_for_run(later)
            assert (run["status"], run["output"]) == ("Completed", "rested")
            assert {call["ctx"]["attempt"] for call in app.calls} == {0}

    bounded(go)
