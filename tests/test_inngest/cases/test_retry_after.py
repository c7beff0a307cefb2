"""An error that says when to try again is taken at its word."""

from __future__ import annotations

from typing import Any

import pytest

import inngest

from ..live import World


@pytest.mark.parametrize("is_in_step", [False, True])
def test_the_next_attempt_waits(fresh_world: World, is_in_step: bool) -> None:
    world, attempts = fresh_world, list[int]()

    def charge(attempt: int) -> str:
        attempts.append(attempt)
        if attempt == 0:
            raise inngest.RetryAfterError("busy", world.pause * 2)
        return "paid"

    def body(ctx: Any) -> Any:
        if not is_in_step:
            return charge(ctx.attempt)
        return (yield ctx.step.run("charge", world.step("charge", lambda: charge(ctx.attempt))))

    world.function("later", body)
    with world.serving():
        sent = world.send("later")
        world.server.let_pass(world.pause / 2)
        assert attempts == [0]
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", "paid")
    assert attempts == [0, 1]
