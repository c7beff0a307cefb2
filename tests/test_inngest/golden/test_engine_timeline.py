"""Recordings, against our engine, at their recorded times."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.function.registration import Refusal

from .engine_plans import PLANS
from .engine_recordings import EXPRESSIONS
from .engine_replay import LIMIT
from .engine_timeline import Timeline
from .replay import RECORDINGS


@pytest.mark.parametrize("name", sorted(PLANS))
def test_the_engine_does_what_is_recorded_when_it_is_recorded(name: str) -> None:
    replay = Timeline(name=name, plan=PLANS[name])
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared


def test_the_engine_calls_the_functions_whose_expressions_hold() -> None:
    recorded: dict[str, Any] = json.loads((RECORDINGS / f"{EXPRESSIONS}.json").read_text("utf-8"))
    (event,) = [e["body"] for e in recorded["exchanges"] if e["path"].startswith("/e/")]
    functions = recorded["functions"]

    async def started() -> set[str]:
        engine = Engine(clock=VirtualClock())
        await engine.start()
        try:
            body = {"appName": "app", "url": "http://app.test", "functions": functions}
            outcome = engine.register(body)
            assert not isinstance(outcome, Refusal), outcome
            engine.send(json.dumps(event).encode())
            return {run["function_id"] for run in engine.runs(limit=1000)}
        finally:
            await engine.stop()

    found = asyncio.run(asyncio.wait_for(started(), LIMIT))
    expressions = {f["id"]: f["triggers"][0]["expression"] for f in functions}
    assert {expressions[each] for each in found} == {
        text for text, matched in recorded["results"].items() if matched
    }
