"""A function that fails outside of steps is tried again, and keeps its steps."""

from __future__ import annotations

from typing import Any

from ..live import BrokenError, World


def test_a_failed_function_is_retried(world: World) -> None:
    attempts: list[int] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.run("once", world.step("once"))
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise BrokenError("outside of steps")
        return "recovered"

    world.function("function", body)
    run = world.run("function")
    assert (run.status, run.output) == ("Completed", "recovered")
    assert attempts == [0, 1]
    assert world.calls == ["once"]


def test_a_function_out_of_attempts_has_failed(world: World) -> None:
    attempts: list[int] = []

    def body(ctx: Any) -> Any:
        attempts.append(ctx.attempt)
        raise BrokenError("always")

    world.function("doomed", body, retries=2)
    run = world.run("doomed")
    assert (run.status, run.output["message"]) == ("Failed", "always")
    assert attempts == [0, 1, 2]
