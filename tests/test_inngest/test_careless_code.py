"""Careless user code gets a clear error, in every world, and never takes the server down."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

import inngest
from inngest.errors import FunctionConfigInvalidError

from .worlds import World

Steps = Generator[Any, Any, Any]


class Odd(BaseException):
    """Like the time-outs of some libraries."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Odd("secret"), "Odd, which is no Exception"),
        (SystemExit(3), "sys.exit"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_what_is_no_exception_is_a_failure_and_no_more(
    world: World, error: BaseException, says: str
) -> None:
    def fail() -> None:
        raise error

    def stepping(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(fail))

    def failing(ctx: Any) -> Steps:
        yield from ()
        fail()

    class Failing(inngest.MiddlewareSync):
        def before_response(self) -> None:
            fail()

    step, function = world.function(stepping, "step"), world.function(failing, "function")
    reply = world.call(function)
    assert reply.status == 500
    assert says in reply.body["message"]
    if not (world.is_async and isinstance(error, asyncio.CancelledError)):
        reply = world.call(step)
        assert reply.ops == [("StepError", "a")]
        assert says in reply.body[0]["error"]["message"]
        world.client.middleware = [Failing]
        reply = world.call(step)
        assert (reply.status, reply.body["code"]) == (500, "middleware_failed")


def test_the_users_interrupt_passes(world: World) -> None:
    if world.way == "loop" or world.is_async:
        return  # asyncio itself ends its loop for it

    def body(ctx: Any) -> Steps:
        yield from ()
        raise KeyboardInterrupt

    world.function(body)
    with pytest.raises(KeyboardInterrupt):
        world.call()


@pytest.mark.parametrize("step_id", [None, 5, b"a"])
def test_a_step_id_that_is_no_string_is_refused(world: World, step_id: Any) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run(step_id, world.step())

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert "a step's id is a string" in reply.body["message"]


def test_a_step_without_a_callable_is_refused(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", "the result")

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert "needs a callable, not a str" in reply.body["message"]


@pytest.mark.parametrize(
    "handler", [lambda: 1, lambda ctx, step: 1, 5, lambda *, ctx: 1], ids=["0", "2", "no", "kw"]
)
def test_a_handler_that_cannot_be_called_is_refused_at_declaration(handler: Any) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    trigger = inngest.TriggerEvent(event="e")
    with pytest.raises(FunctionConfigInvalidError, match='function "fn"'):
        client.create_function(fn_id="fn", trigger=trigger)(handler)
    with pytest.raises(FunctionConfigInvalidError, match="on_failure"):
        client.create_function(fn_id="fn", trigger=trigger, on_failure=handler)(lambda ctx: 1)


def test_a_catch_all_around_a_step_does_not_stop_the_engine(world: World) -> None:
    """An interrupt that is swallowed has been counted: nothing runs twice."""

    def body(ctx: Any) -> Steps:
        try:
            value = yield ctx.step.run("a", world.step(lambda: 1, "a"))
        except BaseException:
            world.log.append("caught")
            value = None
        return value

    world.function(body)
    assert world.play().body == 1
    assert world.log.count("a") == 1
