"""Streamed answers change nothing that a function can see."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import BrokenError, World, fails


def test_a_run_of_streamed_answers(streaming_world: World) -> None:
    world = streaming_world
    attempts: list[int] = []

    def charge(attempt: int) -> str:
        attempts.append(attempt)
        return fails(BrokenError("not yet")) if attempt == 0 else "paid"

    def body(ctx: Any) -> Any:
        paid = yield ctx.step.run("charge", world.step("charge", lambda: charge(ctx.attempt)))
        yield ctx.step.sleep("nap", world.pause)
        return (yield ctx.step.run("ship", world.step("ship", lambda: f"{paid}, shipped")))

    world.options["streaming"] = inngest.Streaming.FORCE
    world.function("streamed", body)
    run = world.run("streamed")
    assert (run.status, run.output) == ("Completed", "paid, shipped")
    assert attempts == [0, 1]
    assert world.calls == ["charge", "charge", "ship"]
