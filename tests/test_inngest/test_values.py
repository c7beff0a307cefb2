"""Outputs keep their types, in every world; what cannot be stored says so once and for all."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import hashlib
import json
import math
import uuid
from collections.abc import Callable, Generator
from typing import Any

import pydantic
import pytest

import inngest
from inngest import PydanticSerializer
from inngest.dev.testing import VirtualEngine

from .conftest import Make
from .worlds import World

Steps = Generator[Any, Any, Any]


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


class Status(enum.Enum):
    PAID = "paid"


@dataclasses.dataclass(frozen=True)
class Line:
    price: decimal.Decimal
    tags: frozenset[str]


class Order(pydantic.BaseModel):
    order_id: uuid.UUID = pydantic.Field(alias="orderId")
    status: Status
    at: datetime.datetime
    lines: list[Line]


ORDER = Order(
    orderId=uuid.UUID(int=5),
    status=Status.PAID,
    at=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    lines=[Line(decimal.Decimal("1.50"), frozenset({"a", "b"}))],
)


def make_order() -> Order:
    return ORDER


def make_unannotated():  # type: ignore[no-untyped-def]
    return {"plain": [1, None]}


def test_a_step_gives_back_what_its_handler_says(world: World) -> None:
    def body(ctx: Any) -> Steps:
        order = yield ctx.step.run("a", world.step(make_order))
        assert order == ORDER
        assert isinstance(order.lines[0], Line)
        plain = yield ctx.step.run("b", world.step(make_unannotated))
        assert plain == {"plain": [1, None]}
        return str(order.order_id)

    world.function(body)
    assert world.play().body == str(uuid.UUID(int=5))


def test_an_output_type_wins_over_the_annotation(world: World) -> None:
    def untyped() -> Any:
        return (1, "a")

    def body(ctx: Any) -> Steps:
        first = yield ctx.step.run("a", world.step(untyped), output_type=tuple[int, str])
        second = yield ctx.step.run("b", world.step(untyped))
        assert (first, second) == ((1, "a"), [1, "a"])
        return True

    world.function(body)
    assert world.play().body is True


def test_an_invoked_functions_type_is_known_to_who_invokes_it(world: World) -> None:
    def child(ctx: Any) -> Steps:
        yield from ()
        return ORDER

    def parent(ctx: Any) -> Steps:
        got = yield ctx.step.invoke("i", function=called)
        assert got == ORDER
        same = yield ctx.step.invoke_by_id("j", function_id="child")
        assert same == stored
        return got.status.value

    called = world.function(child, "child", output_type=Order)
    function = world.function(parent, "parent")
    stored = world.call(called).body
    assert stored["status"] == "paid"
    first, second = world.call(function), None
    assert first.body[0]["opts"]["function_id"] == "app-child"
    memos = {hashed("i"): {"data": stored}}
    second = world.call(function, memos=memos)
    assert second.body[0]["opts"]["function_id"] == "app-child"
    memos[hashed("j")] = {"data": stored}
    assert world.call(function, memos=memos).body == "paid"


def circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


UNFIT: list[tuple[str, Callable[[], Any]]] = [
    ("float", lambda: math.nan),
    ("dict", lambda: {"a": [math.inf]}),
    ("object", object),
    ("set", lambda: {1}),
    ("list", circular),
]


@pytest.mark.parametrize(("kind", "make"), UNFIT, ids=lambda each: str(each)[:10])
def test_what_cannot_be_stored_fails_for_good_and_names_step_and_type(
    world: World, kind: str, make: Callable[[], Any]
) -> None:
    def stepping(ctx: Any) -> Steps:
        yield ctx.step.run("odd", world.step(make))

    def returning(ctx: Any) -> Steps:
        yield from ()
        return make()

    step, function = world.function(stepping, "s"), world.function(returning, "f")
    reply = world.call(step)
    assert reply.ops == [("StepFailed", "odd")]
    message = reply.body[0]["error"]["message"]
    assert 'step "odd"' in message and kind in message
    reply = world.call(function)
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert reply.body["code"] == "output_unserializable"
    assert "app-f" in reply.body["message"] and kind in reply.body["message"]


def test_what_is_stored_for_another_type_fails_for_good(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(make_order))

    world.function(body)
    reply = world.call(memos={hashed("a"): {"data": {"orderId": "private"}}})
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert 'step "a"' in reply.body["message"] and "Order" in reply.body["message"]
    assert "private" not in json.dumps(reply.body["message"])


class Tagging:
    """A serializer with a recognizable format."""

    def serialize(self, obj: object, typ: object) -> object:
        return {"tagged": obj, "type": getattr(typ, "__name__", "?")}

    def deserialize(self, obj: Any, typ: object) -> object:
        return obj["tagged"]


def test_the_clients_serializer_wins(make_world: Make) -> None:
    world = make_world(serializer=Tagging())

    def work() -> int:
        return 5

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(work)))

    world.function(body, output_type=str)
    assert world.call().body[0]["data"] == {"tagged": 5, "type": "int"}
    assert world.play().body == {"tagged": 5, "type": "str"}


class Bracketing:
    """A serializer with another format; neither can decode the other's."""

    def serialize(self, obj: object, typ: object) -> object:
        return [obj]

    def deserialize(self, obj: Any, typ: object) -> object:
        (value,) = obj
        return value


SERIALIZERS = {"none": None, "tagging": Tagging(), "bracketing": Bracketing()}


@pytest.mark.parametrize("own", [None, Bracketing()], ids=["", "of its own"])
@pytest.mark.parametrize("theirs", SERIALIZERS)
@pytest.mark.parametrize("ours", SERIALIZERS)
def test_what_a_function_of_another_client_gives_is_read_as_it_was_written(
    ours: str, theirs: str, own: Any
) -> None:
    shop = inngest.Inngest(app_id="shop", serializer=SERIALIZERS[ours])
    bank = inngest.Inngest(app_id="bank", serializer=SERIALIZERS[theirs])

    @bank.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="pay"), serializer=own)
    def pay(ctx: inngest.ContextSync) -> dict[str, int]:
        return {"paid": 5}

    seen: list[object] = []

    @shop.create_function(fn_id="buy", trigger=inngest.TriggerEvent(event="buy"), retries=0)
    def buy(ctx: inngest.ContextSync) -> None:
        seen.append(ctx.step.invoke("pay", function=pay))

    with VirtualEngine(shop, [buy]) as engine:
        engine.serve(bank, [pay])
        assert engine.send(inngest.Event(name="buy")).status == "Completed"
    assert seen == [{"paid": 5}]


def test_the_serializer_of_existing_apps(make_world: Make) -> None:
    world = make_world(serializer=PydanticSerializer())

    def body(ctx: Any) -> Steps:
        line = yield ctx.step.run(
            "a", world.step(lambda: Line(decimal.Decimal(1), frozenset())), output_type=Line
        )
        assert line == Line(decimal.Decimal(1), frozenset())
        return line

    world.function(body, output_type=Line)
    assert world.play().body == {"price": "1", "tags": []}


def test_a_serializer_that_fails_is_a_failed_step(make_world: Make) -> None:
    class Failing:
        def serialize(self, obj: object, typ: object) -> object:
            raise KeyError("private")

        def deserialize(self, obj: object, typ: object) -> object:
            raise KeyError("private")

    world = make_world(serializer=Failing())

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step()))

    world.function(body)
    reply = world.call()
    assert reply.ops == [("StepFailed", "a")]
    assert "KeyError" in reply.body[0]["error"]["message"]
    reply = world.call(memos={hashed("a"): {"data": 1}})
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert "private" not in reply.body["message"]


def test_replaced_input_is_what_the_handler_gets(world: World) -> None:
    def double(n: int) -> int:
        return n * 2

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(double), 1))

    world.function(body)
    reply = world.call(memos={hashed("a"): {"input": [21]}}, target=hashed("a"))
    assert reply.body[0]["data"] == 42


@dataclasses.dataclass
class Page:
    items: list[Line]


def test_live_and_replayed_values_are_equal_for_hooks(world: World) -> None:
    seen: list[object] = []

    class Watching(inngest.MiddlewareSync):
        def wrap_step(self, step: Any) -> Generator[None, None, None]:
            yield
            seen.append(step.output)

    def work() -> Page:
        return Page([Line(decimal.Decimal(2), frozenset({"x"}))])

    def body(ctx: Any) -> Steps:
        page = yield ctx.step.run("a", world.step(work))
        return page.items[0].price == 2

    world.client.middleware = [Watching]
    world.function(body)
    assert world.play().body is True
    assert seen == [{"items": [{"price": "2", "tags": ["x"]}]}] * 2


def test_a_number_that_servers_round_is_rounded_while_the_code_goes_on(world: World) -> None:
    stored = '{"id":1152921504606847000}'  # what a server writes for 2 ** 60 + 1
    seen: list[object] = []

    class Watching(inngest.MiddlewareSync):
        def wrap_step(self, step: Any) -> Generator[None, None, None]:
            yield
            seen.append(step.output)

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(lambda: {"id": 2**60 + 1})))

    world.client.middleware = [Watching]
    world.function(body)
    assert world.call().ops == [("StepRun", "a")]
    replayed = world.call(memos={hashed("a"): {"data": json.loads(stored)}})
    assert seen == [json.loads(stored)] * 2
    assert replayed.body == json.loads(stored)


LARGEST = 4 * 1024 * 1024
"""Bytes of JSON that a server keeps of a step."""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("x" * (LARGEST - 1), LARGEST + 1),
        ("\u00e9" * (LARGEST // 2), LARGEST + 2),
        ("x" * (LARGEST - 2), None),
        ("\u00e9" * (LARGEST // 2 - 1), None),
    ],
    ids=["ascii", "umlauts", "largest ascii", "largest umlauts"],
)
@pytest.mark.parametrize("is_hooked", [False, True])
def test_an_output_is_as_large_as_the_server_keeps(
    make_world: Make, text: str, size: int | None, is_hooked: bool
) -> None:
    class Looking(inngest.MiddlewareSync):
        def transform_output(self, result: inngest.TransformOutputResult) -> None: ...

    world = make_world(middleware=[Looking] if is_hooked else [])

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("big", world.step(lambda: text))

    world.function(body)
    reply = world.call()
    if size is None:
        assert reply.ops == [("StepRun", "big")]
        return
    assert reply.ops == [("StepFailed", "big")]
    error = reply.body[0]["error"]
    assert error["code"] == "output_unserializable"
    assert error["message"].startswith(f'the output of step "big" has {size} bytes')
