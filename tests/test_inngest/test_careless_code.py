"""Careless user code gets a clear error, in every world, and never takes the server down."""

from __future__ import annotations

import asyncio
import copy
import datetime
import pickle
from collections.abc import Generator
from typing import Any

import pytest

import inngest
from inngest.errors import FunctionConfigInvalidError

from .worlds import World

Steps = Generator[Any, Any, Any]


def nothing(ctx: Any) -> Steps:
    yield from ()


class Odd(BaseException):
    """Not an ``Exception``, like the timeouts of some libraries."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Odd("too slow"), "Odd, which is not an Exception: too slow"),
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


class Nothing(inngest.NonRetriableError):
    """An error with a length of 0, which makes it falsy."""

    def __len__(self) -> int:
        return 0


def test_an_error_that_is_false_is_the_error_all_the_same(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        raise Nothing("no item fits")

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.body["name"]) == (500, "Nothing")
    assert reply.body["message"] == "no item fits"
    assert reply.headers["x-inngest-no-retry"] == "true"


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
    assert "a step id must be a string" in reply.body["message"]


def test_an_empty_step_id_is_refused(world: World) -> None:
    child = world.function(nothing, "child", trigger=inngest.TriggerDeferred())

    def step(ctx: Any) -> Steps:
        yield ctx.step.sleep("", 1_000)

    def deferral(ctx: Any) -> Steps:
        yield ctx.step.defer("", function=child)

    for body in (step, deferral):
        reply = world.call(world.function(body, body.__name__))
        assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
        assert "a step id must not be empty" in reply.body["message"]


@pytest.mark.parametrize("method", ["defer", "invoke"])
@pytest.mark.parametrize("function", [None, "app-child", nothing])
def test_what_is_called_is_a_function(world: World, method: str, function: Any) -> None:
    def body(ctx: Any) -> Steps:
        yield getattr(ctx.step, method)("call", function=function)

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert 'step "call": function: ' in reply.body["message"]
    assert f"not a {type(function).__name__}" in reply.body["message"]


def test_calls_are_deferred_to_functions_that_take_them(world: World) -> None:
    def body(ctx: Any) -> Steps:
        found = next(each for each in world.functions if each.local_id == ctx.event.data["to"])
        yield ctx.step.defer("later", function=found)

    by_hand = inngest.TriggerEvent(event="inngest/deferred.schedule")
    world.function(body)
    world.function(nothing, "event")
    world.function(nothing, "no-trigger", trigger=[])
    world.function(nothing, "by-hand", trigger=[inngest.TriggerEvent(event="e"), by_hand])
    world.function(nothing, "deferred", trigger=inngest.TriggerDeferred())
    for deaf in ("event", "no-trigger"):
        reply = world.call(event={"data": {"to": deaf}})
        assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
        assert f'"app-{deaf}" does not accept deferred calls' in reply.body["message"]
        assert "TriggerDeferred" in reply.body["message"]
    for taking in ("by-hand", "deferred"):
        reply = world.call(event={"data": {"to": taking}})
        assert [op["op"] for op in reply.body] == ["DeferAdd", "RunComplete"]


def test_a_step_without_a_callable_is_refused(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", "the result")

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert "needs a callable, not a str" in reply.body["message"]


@pytest.mark.parametrize(
    ("method", "argument", "says"),
    [
        ("sleep", True, "not a bool"),
        ("sleep", 1.5, "not a float"),
        ("sleep", "1 h", "such as 1h30m"),
        ("sleep_until", datetime.date(2026, 1, 1), "not a date"),
        ("sleep_until", 5, "not a int"),
    ],
)
def test_a_sleep_that_cannot_be_is_refused_for_good(
    world: World, method: str, argument: object, says: str
) -> None:
    def body(ctx: Any) -> Steps:
        yield getattr(ctx.step, method)("nap", argument)

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert 'step "nap"' in reply.body["message"] and says in reply.body["message"]


def test_instants_far_away_are_written_as_the_server_reads_them(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.sleep_until("nap", datetime.datetime(1, 1, 2, tzinfo=datetime.timezone.utc))

    world.function(body)
    assert world.call().body[0]["name"] == "0001-01-02T00:00:00.000Z"


@pytest.mark.parametrize("event", [{"name": "e"}, "e", None])
def test_what_is_no_event_is_not_sent(world: World, event: Any) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.send_event("send", [event])

    world.function(body)
    reply = world.call()
    assert reply.ops == [("StepFailed", "send")]
    assert "an inngest.Event is needed" in reply.body[0]["error"]["message"]


def test_data_that_is_not_json_is_not_sent_again_and_again(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.send_event("send", inngest.Event(name="e", data={"n": float("nan")}))

    world.function(body)
    assert world.call().ops == [("StepFailed", "send")]


@pytest.mark.parametrize(
    "error",
    [
        inngest.RetryAfterError("later", 1000, quiet=True),
        inngest.StepError("no", "ValueError", "stack"),
        inngest.NonRetriableError("never"),
    ],
)
def test_errors_can_be_copied_and_sent_to_other_processes(error: Any) -> None:
    for same in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(same) is type(error)
        assert (same.message, same.name, vars(same)) == (error.message, error.name, vars(error))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fn_id": ""}, "fn_id"),
        ({"fn_id": 5}, "fn_id"),
        ({"name": 5}, "name"),
        ({"trigger": "an/event"}, "trigger"),
        ({"trigger": None}, "trigger"),
        ({"trigger": [{}]}, "trigger"),
        ({"middleware": [5]}, "middleware"),
        ({"idempotency": 5}, "idempotency"),
        ({"throttle": inngest.Timeouts()}, "throttle: must be a Throttle, not a Timeouts"),
        ({"priority": "event.data.n"}, "priority"),
        ({"singleton": "skip"}, "singleton"),
        ({"cancel": [1]}, "cancel"),
        ({"concurrency": inngest.Concurrency(limit=1)}, "concurrency: must be a list"),
        ({"retries": -1}, "retries"),
        ({"retries": True}, "retries"),
    ],
    ids=str,
)
def test_an_option_of_another_kind_is_refused_by_its_name(
    options: dict[str, Any], says: str
) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    given = {"fn_id": "fn", "trigger": inngest.TriggerEvent(event="e"), **options}
    with pytest.raises(FunctionConfigInvalidError, match=says):
        client.create_function(**given)(lambda ctx: 1)


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


class Declined(inngest.NonRetriableError):
    """An app's error that does not call the inherited initializer."""

    def __init__(self, code: int) -> None:
        self.card = code


@pytest.mark.parametrize("is_in_step", [True, False])
def test_an_error_need_not_call_the_initializer_that_it_inherits(
    world: World, is_in_step: bool
) -> None:
    def fail() -> None:
        raise Declined(51)

    def body(ctx: Any) -> Steps:
        if is_in_step:
            yield ctx.step.run("a", world.step(fail))
        fail()

    world.function(body)
    reply = world.call()
    error = reply.body[0]["error"] if is_in_step else reply.body
    assert (error["code"], error["name"]) == ("non_retriable_error", "Declined")
    assert error["message"] == "51"
    assert reply.headers["x-inngest-no-retry"] == "true"


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


def careless() -> object:
    raise ValueError("no")


def careful() -> object:
    try:
        return careless()
    except ValueError as error:
        raise LookupError("none") from error


@pytest.mark.parametrize("where", ["function", "step"])
def test_a_stack_begins_where_the_users_code_does(world: World, where: str) -> None:
    """What called it is the same in every stack, and says nothing."""

    def body(ctx: Any) -> Steps:
        if where == "function":
            careful()
        yield ctx.step.run("a", world.step(careful))

    world.function(body)
    reply = world.call()
    error = reply.body if where == "function" else reply.body[0]["error"]
    stack = error["stack"]
    assert "careless" in stack
    assert "LookupError: none" in stack
    files = [line for line in stack.splitlines() if line.lstrip().startswith("File ")]
    assert files
    assert [line for line in files if "_internal" in line] == []
