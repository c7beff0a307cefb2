from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import json
import math
import pathlib
import traceback
import types
import uuid
from collections.abc import Awaitable, Collection, Iterable, MutableMapping, MutableSequence
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import Self, TypedDict

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.serialization.annotations import return_type
from inngest._internal.serialization.codec import PLAIN, Codec, codec_of_annotation
from inngest._internal.serialization.contract import PydanticSerializer
from inngest._internal.types import JSON, UNSET

T = TypeVar("T")
UTC = datetime.timezone.utc


class Color(enum.Enum):
    RED = "r"


class Size(enum.IntEnum):
    BIG = 2


@dataclasses.dataclass
class Item:
    price: decimal.Decimal
    image: bytes = b""


@dataclasses.dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    order_id: uuid.UUID = pydantic.Field(alias="orderId")
    at: datetime.datetime
    lines: list[Item] = []


class Row(TypedDict):
    when: datetime.date
    tags: set[str]


class Plain(TypedDict, total=False):
    name: str
    inner: list[Plain]


ORDER = Order(
    orderId=uuid.UUID(int=7),
    at=datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    lines=[Item(decimal.Decimal("1.10"), b"ok")],
)
VALUES: list[tuple[object, object]] = [
    (Item, Item(decimal.Decimal("12.50"), b"\xff")),
    (Order, ORDER),
    (list[Order], [ORDER, ORDER]),
    (dict[str, Order], {"a": ORDER}),
    (Order | None, None),
    (Order | None, ORDER),
    (Order | Item, Item(decimal.Decimal(1))),
    (Page[Order], Page((ORDER,))),
    (Page[int], Page((1, 2))),
    (datetime.datetime, datetime.datetime(2026, 1, 1, tzinfo=UTC)),
    (datetime.timedelta, datetime.timedelta(days=1, microseconds=3)),
    (uuid.UUID, uuid.UUID(int=1)),
    (decimal.Decimal, decimal.Decimal("0.1")),
    (Color, Color.RED),
    (Size, Size.BIG),
    (pathlib.Path, pathlib.Path("a/b")),
    (bytes, b"\x00\xff"),
    (set[int], {1, 2}),
    (set[int], {7, 15}),  # a set whose copy is iterated in another order
    (list[frozenset[int]], [frozenset({7, 15}), frozenset({15, 7})]),
    (frozenset[str], frozenset({"a"})),
    (tuple[int, str], (1, "a")),
    (dict[int, str], {1: "a"}),
    (Row, {"when": datetime.date(2026, 1, 1), "tags": {"x"}}),
    (list[tuple[uuid.UUID, Color]], [(uuid.UUID(int=3), Color.RED)]),
]


@pytest.mark.parametrize(("typ", "value"), VALUES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("is_declared", [True, False])
def test_a_value_survives_by_its_type(typ: object, value: object, is_declared: bool) -> None:
    codec = Codec(typ=typ, is_declared=is_declared)
    stored = json.loads(json.dumps(codec.dump(value, "it"), allow_nan=False))
    assert codec.load(stored, "it") == value
    assert type(codec.load(stored, "it")) is type(value)


class Chapter(pydantic.BaseModel, Generic[T]):
    items: list[T]


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        (Chapter[Order], Chapter(items=[ORDER])),
        (Chapter[Order] | None, Chapter(items=[ORDER])),
        (list[Chapter[int]], [Chapter(items=[1])]),
        (Chapter[Chapter[int]], Chapter(items=[Chapter(items=[1])])),
        (Chapter, Chapter[int](items=[1])),
    ],
    ids=str,
)
def test_a_generic_model_may_be_made_without_its_argument(typ: object, value: object) -> None:
    """For type checkers it is a ``Chapter[Order]``; for pydantic it equals one."""
    codec = codec_of_annotation(typ)
    stored = json.loads(json.dumps(codec.dump(value, "it")))
    assert codec.load(stored, "it") == value


def test_a_generic_model_with_another_argument_is_refused() -> None:
    made: Any = Chapter(items=["one"])
    failure = Codec(typ=Chapter[int]).dump(made, "it")
    assert isinstance(failure, OutputUnserializableError)


def test_what_gather_gives_is_the_tuple_that_type_checkers_take_it_for() -> None:
    for typ, value in (
        (tuple[Order, Item], [ORDER, Item(decimal.Decimal(1))]),
        (tuple[Color, ...] | None, [Color.RED]),
        (tuple[int, str], [1, "a"]),
    ):
        codec = codec_of_annotation(typ)
        stored = json.loads(json.dumps(codec.dump(value, "it")))
        assert codec.load(stored, "it") == tuple(value)
    failure = Codec(typ=tuple[Order, Item]).dump([ORDER], "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "of type list" in failure.message


class One(pydantic.BaseModel):
    number: int


class Other(pydantic.BaseModel):
    number: int


UNIONS: list[tuple[Any, type]] = [(list[One | Other], One), (list[Other | One], Other)]
"""They are equal, and mean something else."""


@pytest.mark.parametrize("unions", [UNIONS, UNIONS[::-1]])
def test_the_first_type_of_a_union_wins_whatever_was_asked_before(
    unions: list[tuple[Any, type]],
) -> None:
    serializer = PydanticSerializer()
    for typ, first in unions:
        data, read = [{"number": 1}], [first(number=1)]
        assert Codec(typ=typ).load(data, "it") == read
        assert codec_of_annotation(typ).load(data, "it") == read
        assert serializer.deserialize(data, typ) == read


@pytest.mark.parametrize(
    "typ",
    [
        *(Any, object, JSON, int, str, None, dict[str, object], list[dict[str, int | None]]),
        *(Plain, Literal["a", 1], dict[str, Any], list[Any], dict, list, UNSET),
    ],
)
@given(value=st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_plain_json_is_stored_as_it_is_whatever_the_annotation_says(
    typ: object, value: object
) -> None:
    assert Codec(typ=typ).dump(value, "it") is value
    assert Codec(typ=typ).load(value, "it") is value


@pytest.mark.parametrize(
    ("typ", "value", "says"),
    [
        (Order, {"secret": 1}, "Field required"),
        (Order, object(), "Order"),
        (datetime.datetime, "secret", "valid datetime"),
        (tuple[int, str], ("secret", 1), "tuple[int, str]"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_step_and_type(
    typ: object, value: object, says: str
) -> None:
    failure = Codec(typ=typ).dump(value, 'step "a"')
    assert isinstance(failure, OutputUnserializableError)
    assert 'step "a"' in failure.message
    assert says in failure.message
    assert "secret" not in failure.message
    assert not failure.is_retriable


def test_plain_json_that_means_such_a_value_is_taken() -> None:
    codec = Codec(typ=tuple[int, str])
    stored = codec.dump([1, "a"], "it")
    assert stored == [1, "a"]
    assert codec.load(stored, "it") == (1, "a")


def test_plain_json_may_leave_out_what_has_a_default() -> None:
    given = {"lines": [{"n": 1}]}
    codec = Codec(typ=Lines)
    assert codec.dump(given, "it") == given
    assert codec.load(given, "it") == Lines(lines=[Sub(n=1)])
    for lost in ({"lines": [{"n": 1, "other": 2}]}, {"lines": [{"n": "1"}]}):
        assert isinstance(codec.dump(lost, "it"), OutputUnserializableError)


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        (Order, {"order_id": "1"}),
        (Row, {}),
        (datetime.datetime, "2026-01-02"),
        (list[Order], None),
    ],
)
def test_json_that_a_function_ends_with_is_taken_whatever_its_annotation_says(
    typ: object, value: object
) -> None:
    assert Codec(typ=typ).dump_result(value, "it") == value
    for codec in (Codec(typ=typ, is_declared=True), Codec(typ=int, is_declared=True)):
        assert isinstance(codec.dump_result(value, "it"), OutputUnserializableError)
    assert Codec(typ=Order).dump_result(ORDER, "it") == Codec(typ=Order).dump(ORDER, "it")
    assert isinstance(Codec(typ=typ).dump_result({1, 2}, "it"), OutputUnserializableError)


def test_a_declared_type_must_hold_even_if_it_is_plain() -> None:
    failure = Codec(typ=int, is_declared=True).dump("secret", "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "secret" not in failure.message


def test_what_is_stored_for_another_type_is_an_error_that_does_not_quote_it() -> None:
    failure = Codec(typ=Order).load({"orderId": "secret"}, 'step "a"')
    assert isinstance(failure, OutputUnserializableError)
    assert "orderId" in failure.message
    assert "secret" not in failure.message


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


@pytest.mark.parametrize("is_load", [True, False])
def test_a_traceback_quotes_no_value_either(is_load: bool) -> None:
    codec = Codec(typ=Order)
    failure = codec.load({"orderId": "secret"}, "it") if is_load else codec.dump("secret", "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "secret" not in told(failure)


def test_a_traceback_shows_the_code_that_has_failed() -> None:
    class Failing(PydanticSerializer):
        def serialize(self, obj: object, typ: object = object) -> JSON:
            raise KeyError("within")

    failure = Codec(serializer=Failing()).dump(1, "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "KeyError: 'within'" in told(failure)


def test_nan_is_not_hidden_by_a_model() -> None:
    class Measured(pydantic.BaseModel):
        value: float

    for typ, value in ((Measured, Measured(value=math.nan)), (tuple[float], (math.inf,))):
        failure = Codec(typ=typ).dump(value, "it")
        assert isinstance(failure, OutputUnserializableError)
        assert "NaN" in failure.message


class Base(pydantic.BaseModel):
    n: int


class Sub(Base):
    extra: int = 1


class Lines(pydantic.BaseModel):
    lines: list[Sub]


class Hidden(pydantic.BaseModel):
    needed: int = pydantic.Field(exclude=True)


class Computed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    n: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.n


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        (Base, Sub(n=1)),
        (Hidden, Hidden(needed=1)),
        (Computed, Computed(n=1)),
        (str | datetime.datetime, datetime.datetime(2026, 1, 1, tzinfo=UTC)),
        (int | Size, Size.BIG),
        (list[int] | tuple[int, ...], (1, 2)),
        (Base, {"n": 1, "lost": 2}),
        (decimal.Decimal, decimal.Decimal("NaN")),
    ],
    ids=str,
)
def test_what_would_not_come_back_as_it_is_is_refused(typ: object, value: object) -> None:
    failure = Codec(typ=typ).dump(value, 'step "a"')
    assert isinstance(failure, OutputUnserializableError)
    assert 'step "a"' in failure.message


UserID = NewType("UserID", str)


@pytest.mark.parametrize(
    "typ",
    [
        UserID,
        Annotated[str, "a remark"],
        Annotated[int, pydantic.Field(gt=10)],
        Iterable[str],
        Collection[int],
        MutableMapping[str, int],
        MutableSequence[int],
    ],
    ids=str,
)
def test_remarks_on_plain_types_change_nothing(typ: object) -> None:
    for value in (5, "x", ["a"], {"a": 1}):
        assert Codec(typ=typ).dump(value, "it") is value
        assert Codec(typ=typ).load(value, "it") is value


def test_an_iterable_of_models_can_be_read_more_than_once() -> None:
    codec = Codec(typ=Iterable[Base])
    loaded: Any = codec.load(codec.dump([Base(n=1)], "it"), "it")
    assert list(loaded) == list(loaded) == [Base(n=1)]


def test_bytes_in_a_model_follow_its_own_configuration() -> None:
    class Utf8(pydantic.BaseModel):
        image: bytes

    class Base64(Utf8):
        model_config = pydantic.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    failure = Codec(typ=Utf8).dump(Utf8(image=b"\xff"), "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "ser_json_bytes" in failure.message
    codec = Codec(typ=Base64)
    assert codec.load(codec.dump(Base64(image=b"\xff"), "it"), "it") == Base64(image=b"\xff")


def test_a_value_that_contains_itself_is_an_error() -> None:
    loop: list[Any] = []
    loop.append((loop,))
    failure = Codec(typ=list[tuple[Any]]).dump(loop, "it")
    assert isinstance(failure, OutputUnserializableError)


def test_a_class_that_pydantic_does_not_know_is_plain_unless_declared() -> None:
    class Odd:
        pass

    value = {"a": 1}
    assert Codec(typ=Odd).dump(value, "it") is value
    failure = Codec(typ=Odd, is_declared=True).dump(value, "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "Odd" in failure.message


class Shouting:
    """A user's serializer."""

    def serialize(self, obj: object, typ: object) -> object:
        if obj is None:
            raise RuntimeError("secret")
        return {"text": str(obj).upper(), "typ": str(typ)}

    def deserialize(self, obj: object, typ: object) -> object:
        return (obj, typ)


def test_a_serializer_of_the_users_wins() -> None:
    codec = Codec(typ=UNSET, serializer=Shouting())
    assert codec.dump("a", "it") == {"text": "A", "typ": "<class 'object'>"}
    assert Codec(typ=int, serializer=Shouting()).load(1, "it") == (1, int)
    failure = codec.dump(None, "it")
    assert isinstance(failure, OutputUnserializableError)
    assert "RuntimeError" in failure.message
    assert "secret" not in failure.message


def test_the_serializer_over_pydantic() -> None:
    serializer = PydanticSerializer()
    stored = serializer.serialize(Item(decimal.Decimal(1)), Item)
    assert stored == {"price": "1", "image": ""}
    assert serializer.deserialize(stored, Item) == Item(decimal.Decimal(1))


def says_order() -> Order:
    return ORDER


async def says_order_async() -> Order:
    return ORDER


def says_awaitable() -> Awaitable[Order]:
    return says_order_async()


def says_nothing(value: int):  # type: ignore[no-untyped-def]
    return value


def says_what_is_not_there() -> Missing:  # type: ignore[name-defined]  # noqa: F821
    return None


def says_a_variable(value: T) -> T:
    return value


@functools.wraps(says_order)
def decorated() -> Any:
    return None


class Handlers:
    def method(self) -> Order:
        return ORDER

    def itself(self) -> Self:
        return self

    def __call__(self) -> Item:
        return Item(decimal.Decimal(1))


@pytest.mark.parametrize(
    ("handler", "typ"),
    [
        (says_order, Order),
        (says_order_async, Order),
        (says_awaitable, Order),
        (functools.partial(functools.partial(says_order)), Order),
        (decorated, Order),
        (Handlers().method, Order),
        (Handlers().itself, Handlers),
        (Handlers.itself, UNSET),
        (Handlers(), Item),
        (says_nothing, UNSET),
        (says_what_is_not_there, UNSET),
        (says_a_variable, UNSET),
        (lambda: 1, UNSET),
        (dict, UNSET),
        (len, UNSET),
    ],
)
def test_what_a_handler_says_it_returns(handler: Any, typ: object) -> None:
    assert return_type(handler) is typ


def test_a_captured_class_is_found() -> None:
    def made(typ: Any) -> Any:
        def handler() -> typ:  # pyright: ignore[reportInvalidTypeForm]
            return typ()

        return handler

    assert return_type(made(Item)) is Item
    assert return_type(made(Order)) is Order


def test_none_is_a_type() -> None:
    def handler() -> None:
        return None

    assert return_type(handler) is types.NoneType
    assert PLAIN.dump(None, "it") is None
