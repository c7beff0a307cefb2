"""A final error ends the run at once, in a step or outside."""

from __future__ import annotations

from typing import Any

import pytest

import inngest

from ..live import World, fails


@pytest.mark.parametrize("is_in_step", [False, True])
def test_a_final_error_ends_the_run(world: World, is_in_step: bool) -> None:
    error = inngest.NonRetriableError("never")
    attempts: list[int] = []

    def body(ctx: Any) -> Any:
        attempts.append(ctx.attempt)
        if not is_in_step:
            raise error
        yield ctx.step.run("charge", world.step("charge", lambda: fails(error)))

    world.function("never", body)
    run = world.run("never")
    assert run.status == "Failed"
    assert "never" in str(run.output)
    assert all(attempt == 0 for attempt in attempts)
    assert world.calls == (["charge"] if is_in_step else [])
