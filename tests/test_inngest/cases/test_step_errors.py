"""A step that fails is tried again, alone; out of attempts, its error is the function's."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import BrokenError, World, fails


def test_a_failed_step_is_retried(world: World) -> None:
    attempts: list[int] = []

    def charge(attempt: int) -> str:
        attempts.append(attempt)
        return fails(BrokenError("not yet")) if attempt == 0 else "at last"

    def body(ctx: Any) -> Any:
        yield ctx.step.run("before", world.step("before"))
        return (yield ctx.step.run("charge", world.step("charge", lambda: charge(ctx.attempt))))

    world.function("retry", body)
    run = world.run("retry")
    assert (run.status, run.output) == ("Completed", "at last")
    assert attempts == [0, 1]
    assert world.calls == ["before", "charge", "charge"]


def test_a_step_out_of_attempts_is_an_error_to_catch(world: World) -> None:
    def body(ctx: Any) -> Any:
        try:
            yield ctx.step.run("charge", world.step("charge", lambda: fails(BrokenError("no"))))
        except inngest.StepError as error:
            yield ctx.step.run("refund", world.step("refund"))
            return [error.name, error.message]
        return None

    world.function("catch", body, retries=1)
    run = world.run("catch")
    assert (run.status, run.output) == ("Completed", ["BrokenError", "no"])
    assert world.calls == ["charge", "charge", "refund"]


def test_an_error_that_changes_is_the_last_one(world: World) -> None:
    def charge(attempt: int) -> Any:
        raise (BrokenError("first") if attempt == 0 else ValueError("second"))

    def body(ctx: Any) -> Any:
        try:
            yield ctx.step.run("charge", world.step("charge", lambda: charge(ctx.attempt)))
        except inngest.StepError as error:
            return [error.name, error.message]
        return None

    world.function("changed", body, retries=1)
    run = world.run("changed")
    assert (run.status, run.output) == ("Completed", ["ValueError", "second"])


def test_an_error_that_is_raised_as_another_one_fails_the_function(world: World) -> None:
    def body(ctx: Any) -> Any:
        try:
            yield ctx.step.run("charge", world.step("charge", lambda: fails(BrokenError("no"))))
        except inngest.StepError:
            raise inngest.NonRetriableError("declined") from None

    world.function("wrapped", body, retries=0)
    run = world.run("wrapped")
    assert (run.status, run.output["message"]) == ("Failed", "declined")
    assert world.calls == ["charge"]
