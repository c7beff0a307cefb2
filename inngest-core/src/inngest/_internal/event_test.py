from __future__ import annotations

import copy
import dataclasses
import datetime
import http
import json
import pathlib
import pickle
import random
import uuid
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from inngest._internal.api.events import _encode
from inngest._internal.errors import BodyInvalidError, FunctionConfigInvalidError
from inngest._internal.event import Event
from inngest._internal.event_type import EventType
from inngest._internal.function.config import TriggerEvent


def test_defaults_and_the_wire() -> None:
    event = Event(name="a/b")
    assert (event.data, event.id, event.ts, event.user, event.v) == ({}, "", 0, None, None)
    assert event.to_wire(7) == {"name": "a/b", "data": {}, "ts": 7}


def test_an_explicit_zero_is_a_time() -> None:
    assert Event(name="a", ts=0).to_wire(7)["ts"] == 0
    event = Event(name="a")
    event.ts = 0
    assert event.to_wire(7)["ts"] == 0


def test_what_is_set_is_sent() -> None:
    event = Event(name="a", data={"x": (1, {"y": None})}, id="i", ts=1, user={}, v="2")
    assert event.to_wire(7) == {
        "name": "a",
        "data": {"x": [1, {"y": None}]},
        "id": "i",
        "ts": 1,
        "user": {},
        "v": "2",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": 1},
        {"name": "a", "data": [1]},
        {"name": "a", "data": {1: 2}},
        {"name": "a", "ts": "1"},
    ],
)
def test_a_wrong_argument_is_an_error(fields: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:  # what existing apps catch
        Event(**fields)
    assert "input_value" not in str(caught.value)


def test_what_an_event_is_not_given_is_the_default_of_its_field() -> None:
    event = Event(name="a")
    assert event.model_fields_set == {"name"}
    for name, field in Event.model_fields.items():
        if name != "name":
            assert getattr(event, name) == field.get_default(call_default_factory=True)


def test_a_field_that_no_event_has_is_dropped_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields: dict[str, Any] = {"name": "a", "dta": {"secret": 1}, "user": {"id": 1}}
    event = Event(**fields)
    assert (event.data, event.user) == ({}, {"id": 1})
    assert not hasattr(event, "dta")
    assert caplog.messages == ["an Event has no field dta: the value is dropped"]


def test_a_wrong_event_is_a_wrong_field_of_a_model_around_it() -> None:
    class Order(pydantic.BaseModel):
        event: Event

    with pytest.raises(
        pydantic.ValidationError, match=r"event\.name\n +Input should be a valid string"
    ):
        Order.model_validate({"event": {"name": 1}})
    either: Any = Event | dict
    assert pydantic.TypeAdapter(either).validate_python({"a": 1}) == {"a": 1}


class Text(str):
    """A subclass of ``str``, which is not exactly a ``str``."""

    __slots__ = ()


VALUES: dict[str, list[Any]] = {
    "name": ["a", Text("a"), "", 1, None],
    "data": [{}, {"n": [1, {"x": None}]}, {Text("n"): 1}, {1: 2}, None, [1]],
    "id": ["", "i", 1],
    "ts": [0, 5, True, 5.0, "5"],
    "user": [{}, {"id": 1}, {1: 2}, None, "u"],
    "v": ["", "1", None, 1],
}


class Validated(Event):
    """An event that always goes through pydantic."""


def made(kind: type[Event], given: dict[str, Any]) -> Event | list[object]:
    """Return an event, or the validation errors of its fields."""
    try:
        return kind(**given)
    except pydantic.ValidationError as error:
        return [(detail["loc"], detail["msg"]) for detail in error.errors()]


@pytest.mark.parametrize("kind", [Event, Validated])
def test_an_event_does_not_change_with_what_it_was_made_of(kind: type[Event]) -> None:
    data: dict[str, Any] = {"n": 1}
    user: dict[str, Any] = {"id": "u"}
    events = [kind(name="a", data=data), kind(name="a", data=data, user=user)]
    data["n"] = user["id"] = 2
    assert [event.data for event in events] == [{"n": 1}, {"n": 1}]
    assert events[1].user == {"id": "u"}


@pytest.mark.parametrize("seed", range(300))
def test_what_needs_no_validation_becomes_what_pydantic_makes_of_it(seed: int) -> None:
    draw = random.Random(seed)
    given = {
        field: draw.choice(values if draw.random() < 0.3 else values[:2])
        for field, values in VALUES.items()
        if draw.random() < (0.95 if field in ("name", "data") else 0.3)
    }
    event, validated = made(Event, given), made(Validated, given)
    if not isinstance(event, Event) or not isinstance(validated, Event):
        assert event == validated
        return
    assert event.__dict__ == validated.__dict__
    assert list(event.__dict__) == list(validated.__dict__)
    assert event.model_fields_set == validated.model_fields_set
    assert event.to_wire(7) == validated.to_wire(7)
    assert event.model_dump(exclude_unset=True) == validated.model_dump(exclude_unset=True)
    assert event.model_extra is None
    for copied in (event.model_copy(), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert copied == event
        assert copied.model_fields_set == event.model_fields_set


def test_what_was_given_to_one_event_is_not_given_to_others() -> None:
    one, other = Event(name="a", data={}), Event(name="a", data={})
    one.ts = 0
    one.model_fields_set.add("v")
    assert one.model_fields_set == {"name", "data", "ts", "v"}
    assert (one.to_wire(7)["ts"], other.to_wire(7)["ts"]) == (0, 7)
    assert other.model_fields_set == {"name", "data"}


def test_a_dict_that_is_used_again_changes_no_event() -> None:
    row: dict[str, Any] = {"n": 1}
    event = Event(name="a", data=row)
    row["n"] = 2
    assert event.data == {"n": 1}


def test_none_as_data_is_no_data() -> None:
    fields: dict[str, Any] = {"name": "a", "data": None}
    assert Event(**fields).data == {}


@dataclasses.dataclass
class Line:
    price: Decimal
    at: datetime.date


class Item(pydantic.BaseModel):
    line: Line
    tags: frozenset[str] = pydantic.Field(alias="theTags")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime.datetime(2030, 1, 2, tzinfo=datetime.timezone.utc), "2030-01-02T00:00:00Z"),
        (datetime.timedelta(minutes=1), "PT1M"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("9.99"), "9.99"),
        (http.HTTPStatus.OK, 200),
        (pathlib.Path("a"), "a"),
        ({1}, [1]),
        (b"x", "x"),
        ({1: 2, datetime.date(2030, 1, 2): 3}, {"1": 2, "2030-01-02": 3}),
        (
            Item(theTags=frozenset("a"), line=Line(Decimal("0.10"), datetime.date(2030, 1, 2))),
            {"theTags": ["a"], "line": {"price": "0.10", "at": "2030-01-02"}},
        ),
    ],
)
def test_what_pydantic_can_write_is_written(value: object, written: object) -> None:
    data: Any = {"x": [value], "y": {"z": value}}
    wire = Event(name="a", data=data).to_wire(0)["data"]
    assert wire == {"x": [written], "y": {"z": written}}
    assert json.loads(json.dumps(wire)) == wire


def test_a_decimal_is_a_number_where_json_is_asked_for() -> None:
    data: Any = {"total": Decimal("9.99"), "name": "a"}
    assert Event(name="a", data=data).to_wire(0)["data"] == {"total": 9.99, "name": "a"}


@pytest.mark.parametrize("value", [float("nan"), b"\xff", float("inf"), object(), {object(): 1}])
def test_what_is_not_json_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(BodyInvalidError, match=r"^data\.x\[0\]: "):
        Event(name="a", data={"x": [value]}).to_wire(0)


def test_endless_data_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["x"] = loop
    with pytest.raises(BodyInvalidError, match="nested too deeply"):
        Event(name="a", data=loop).to_wire(0)


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "a", "data": {}},
        {"name": "a", "data": {"n": [1, {"x": None}]}, "id": "1", "ts": 5, "v": "2"},
        {"name": "a", "data": {"n": 1}, "user": {"id": "u"}, "ts": 0},
        {"name": "a", "data": None, "user": None, "id": ""},
    ],
)
def test_an_event_of_a_server_is_the_event_that_is_made_by_hand(raw: dict[str, Any]) -> None:
    event = Event.decode(raw)
    made = Event(**{key: value for key, value in raw.items() if value is not None})
    assert event == made
    assert isinstance(event, Event)
    assert repr(event) == repr(made)
    assert event.model_fields_set == made.model_fields_set
    assert event.model_dump() == made.model_dump()
    for copied in (event.model_copy(deep=True), pickle.loads(pickle.dumps(event))):
        assert copied == made


def test_a_whole_float_is_a_time() -> None:
    event = Event.decode({"name": "a", "data": {}, "ts": 5.0})
    assert isinstance(event, Event)
    assert type(event.ts) is int


def test_a_server_may_add_keys() -> None:
    event = Event.decode({"name": "a", "data": None, "ts": 5, "meta": {}, "user": None})
    assert event == Event(name="a", ts=5)


def test_a_key_named_self_is_like_any_other_that_no_event_has() -> None:
    """Web apps validate request bodies as events, and their senders may use any key."""
    assert Event.model_validate({"name": "a", "self": 1}) == Event(name="a")
    assert Event.model_validate_json('{"name": "a", "self": 1}') == Event(name="a")
    with pytest.raises(FunctionConfigInvalidError, match="self"):
        TriggerEvent.model_validate({"event": "a", "self": 1})


@pytest.mark.parametrize("item", [1, 1.5, "half a pair: \ud800"])
def test_keys_put_in_later_are_text_on_the_wire(item: Any) -> None:
    event = Event(name="a", data={"n": 1})
    held: Any = event.data
    held[None], held[uuid.UUID(int=1)] = item, item
    data = event.to_wire(7)["data"]
    assert data == {"n": 1, "None": item, str(uuid.UUID(int=1)): item}
    sent: Any = _encode([event], 7)
    assert json.loads(sent)[0]["data"] == data


@pytest.mark.parametrize("raw", [None, [], {}, {"name": 1}, {"name": "a", "ts": "x"}])
def test_a_malformed_event_is_an_error_value(raw: Any) -> None:
    assert isinstance(Event.decode(raw), BodyInvalidError)


class Placed(pydantic.BaseModel):
    order_id: str = pydantic.Field(alias="orderId")
    at: datetime.datetime | None = None


def test_a_typed_event_can_be_written_like_any_other() -> None:
    """With pydantic's own methods, for example for a log, and with ``to_dict`` as on the wire."""
    at = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    event = EventType("placed", Placed).create(Placed(orderId="o-1", at=at), id="e")
    assert event.model_dump()["data"] == {"order_id": "o-1", "at": at}
    assert json.loads(event.model_dump_json())["data"]["at"] == "2026-01-02T00:00:00Z"
    assert event.to_dict()["data"] == {"orderId": "o-1", "at": "2026-01-02T00:00:00Z"}
    assert event.to_dict()["data"] == event.to_wire(0)["data"]
    without = EventType("placed", Placed).create(Placed(orderId="o-1"))
    assert without.to_dict()["data"] == without.to_wire(0)["data"]
    assert Event.model_validate(event.model_dump()).data["order_id"] == "o-1"
    assert Event(name="a", data={"n": None}).to_dict()["data"] == {"n": None}
