"""A function is called like a step: its result, its error, or the end of patience."""

from __future__ import annotations

from typing import Any

import pytest

import inngest

from ..live import World


@pytest.mark.parametrize("is_by_id", [False, True], ids=["object", "id"])
def test_the_result_of_another_function(world: World, is_by_id: bool) -> None:
    def child(ctx: Any) -> Any:
        double = world.step("double", lambda: ctx.event.data["n"] * 2)
        return (yield ctx.step.run("double", double))

    invoked = world.function("child", child)

    def parent(ctx: Any) -> Any:
        if is_by_id:
            return (yield ctx.step.invoke_by_id("ask", function_id="child", data={"n": 21}))
        return (yield ctx.step.invoke("ask", function=invoked, data={"n": 21}))

    world.function("parent", parent)
    run = world.run("parent")
    assert (run.status, run.output) == ("Completed", 42)
    assert world.calls == ["double"]


def test_the_error_of_another_function(world: World) -> None:
    def child(ctx: Any) -> Any:
        raise inngest.NonRetriableError("not today")

    invoked = world.function("child", child)

    def parent(ctx: Any) -> Any:
        try:
            return (yield ctx.step.invoke("ask", function=invoked))
        except inngest.StepError as error:
            return error.message

    world.function("parent", parent)
    run = world.run("parent")
    assert (run.status, run.output) == ("Completed", "not today")


def test_a_function_that_takes_too_long(world: World) -> None:
    def child(ctx: Any) -> Any:
        yield ctx.step.sleep("long", world.pause * 2)

    invoked = world.function("child", child)

    def parent(ctx: Any) -> Any:
        try:
            yield ctx.step.invoke("ask", function=invoked, timeout=world.pause)
        except inngest.StepError as error:
            return error.name
        return "in time"

    world.function("parent", parent)
    run = world.run("parent")
    assert (run.status, run.output) == ("Completed", "InngestInvokeTimeoutError")


def test_a_function_that_does_not_exist(world: World) -> None:
    def parent(ctx: Any) -> Any:
        try:
            yield ctx.step.invoke_by_id("ask", function_id="nobody")
        except inngest.StepError as error:
            return error.message
        return "answered"

    world.function("parent", parent)
    run = world.run("parent")
    assert run.status == "Completed"
    assert "could not find function" in run.output
