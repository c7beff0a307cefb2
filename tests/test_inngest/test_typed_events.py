"""Typed events: one declaration for triggers, waits, sends and what functions are given."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Generator
from typing import Any

import pydantic
import pytest

import inngest
from inngest import Event, EventType
from inngest._internal.flow import Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.errors import EventInvalidError, FunctionConfigInvalidError

from .worlds import World

Steps = Generator[Any, Any, Any]


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


class Placed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    order_id: int = pydantic.Field(alias="orderId")
    at: datetime.datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


class Paid(pydantic.BaseModel):
    cents: int


placed = EventType("shop/placed", Placed)
paid = EventType("shop/paid", Paid)


def returning(take: Any) -> Any:
    def body(ctx: Any) -> Steps:
        yield from ()
        return take(ctx)

    return body


@pytest.mark.parametrize(("value", "status"), [(datetime.date(2025, 3, 4), 200), (object(), 500)])
def test_a_hook_may_put_values_into_the_data_that_json_has_not(
    world: World, value: object, status: int
) -> None:
    class Dating(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            ctx.event = ctx.event.model_copy(update={"data": {**ctx.event.data, "at": value}})

    world.client.middleware = [Dating]
    world.function(returning(lambda ctx: ctx.event.data.at.year), trigger=placed)
    reply = world.call(event={"name": "shop/placed", "data": {"orderId": 7}})
    assert reply.status == status
    if status == 200:
        assert reply.body == 2025
    else:
        assert (reply.body["code"], reply.headers["x-inngest-no-retry"]) == (
            "event_invalid",
            "true",
        )
        assert "shop/placed" in reply.body["message"]


def test_a_typed_trigger_gives_the_data_its_model(world: World) -> None:
    world.function(
        returning(lambda ctx: [ctx.event.data.order_id, ctx.events[0].data.at.year]),
        trigger=placed,
    )
    event = {"name": "shop/placed", "data": {"orderId": 7, "at": "2025-03-04T00:00:00Z"}}
    assert world.call(event=event).body == [7, 2025]
    config = world.functions[0].get_config("http://x/api/inngest").main.to_dict()
    assert config["triggers"] == [{"event": "shop/placed"}]


def test_a_typed_trigger_with_an_expression(world: World) -> None:
    trigger = placed.as_trigger(expression="event.data.orderId > 5")
    world.function(returning(lambda ctx: ctx.event.data.order_id), trigger=trigger)
    config = world.functions[0].get_config("http://x/api/inngest").main.to_dict()
    assert config["triggers"] == [{"event": "shop/placed", "expression": "event.data.orderId > 5"}]
    assert world.call(event={"name": "shop/placed", "data": {"orderId": 7}}).body == 7


def test_each_of_several_triggers_has_its_model(world: World) -> None:
    trigger = [placed, paid, inngest.TriggerEvent(event="shop/other")]
    world.function(returning(lambda ctx: type(ctx.event.data).__name__), trigger=trigger)
    kinds = {"shop/placed": {"orderId": 1}, "shop/paid": {"cents": 2}, "shop/other": {"x": 1}}
    found = [world.call(event={"name": n, "data": d}).body for n, d in kinds.items()]
    assert found == ["Placed", "Paid", "dict"]


def test_data_that_does_not_fit_fails_for_good_without_being_shown(world: World) -> None:
    world.function(returning(lambda ctx: 1), trigger=placed)
    reply = world.call(event={"name": "shop/placed", "data": {"orderId": "private"}})
    assert (reply.status, reply.body["code"]) == (500, "event_invalid")
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert "shop/placed" in reply.body["message"]
    assert "orderId" in reply.body["message"]
    assert "private" not in reply.body["message"]


def test_an_invoked_function_has_its_model_without_what_the_server_adds(world: World) -> None:
    world.function(returning(lambda ctx: ctx.event.data.order_id), trigger=placed)
    data = {"orderId": 3, "_inngest": {"correlation_id": "x"}}
    assert world.call(event={"name": "inngest/function.invoked", "data": data}).body == 3


def test_a_failure_handler_is_given_the_event_as_it_is(world: World) -> None:
    failed = world.handler(returning(lambda ctx: ctx.event.data["error"]["message"]))
    world.function(returning(lambda ctx: 1), trigger=placed, on_failure=failed)
    event = {"name": "inngest/function.failed", "data": {"error": {"message": "no"}}}
    assert world.call(event=event, fn_id="app-fn-failure").body == "no"


def test_a_wait_for_a_typed_event_gives_its_model(world: World) -> None:
    def body(ctx: Any) -> Steps:
        event = yield ctx.step.wait_for_event("w", event=paid, timeout=1000)
        return None if event is None else [type(event).__name__, event.data.cents, event.v]

    world.function(body)
    (op,) = world.call().body
    assert (op["op"], op["name"]) == ("WaitForEvent", "shop/paid")
    memo = {"name": "shop/paid", "data": {"cents": 5}, "id": "x", "ts": 1, "v": "2", "user": {}}
    assert world.call(memos={hashed("w"): memo}).body == ["Event", 5, "2"]
    assert world.call(memos={hashed("w"): None}).body is None
    reply = world.call(memos={hashed("w"): {**memo, "data": {"cents": "private"}}})
    assert (reply.body["code"], reply.headers["x-inngest-no-retry"]) == ("event_invalid", "true")
    assert "private" not in reply.body["message"]


@pytest.mark.parametrize("memo", [{"data": "done"}, {"data": {"name": "shop/paid"}}])
def test_a_wait_with_the_id_of_a_step_that_was_another_says_so(world: World, memo: object) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.wait_for_event("pay", event="shop/paid", timeout=1000)

    world.function(body)
    reply = world.call(memos={hashed("pay"): memo})
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert 'step "pay": the stored result is not an event' in reply.body["message"]


class Posted(HTTPClients):
    """Collects the events that are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def fetch(self, request: Request) -> Response:
        self.bodies.append(request.body)
        return Response(status=200, headers={}, body=b'{"ids":["1"],"status":200}')


def test_typed_events_are_sent_as_their_aliases_say() -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    client._http = posted = Posted()
    event = placed.create(Placed(orderId=1), id="once", ts=5, user={"a": 1}, v="3")
    assert client.send_sync(event) == ["1"]
    assert client.send_sync([event, Event(name="plain")]) == ["1"]
    assert posted.bodies[0] == (
        b'[{"name":"shop/placed","data":{"orderId":1,"at":"2026-01-01T00:00:00Z"},"ts":5,'
        b'"id":"once","user":{"a":1},"v":"3"}]'
    )


def test_only_an_instance_of_the_model_makes_an_event() -> None:
    with pytest.raises(EventInvalidError, match="must be a Placed, not a dict"):
        placed.create({"orderId": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "model"), [("", Placed), ("a/*", Placed), ("x" * 256, Placed), ("a", dict)]
)
def test_a_declaration_that_cannot_work_is_refused(name: str, model: Any) -> None:
    with pytest.raises(FunctionConfigInvalidError):
        EventType(name, model)
    assert repr(placed) == "EventType('shop/placed', Placed)"
