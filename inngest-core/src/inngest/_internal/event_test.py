from __future__ import annotations

import datetime
import pickle
from typing import Any

import pydantic
import pytest

from inngest._internal.errors import BodyInvalidError
from inngest._internal.event import Event


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
    with pytest.raises(BodyInvalidError):
        Event(**fields)


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
    assert caplog.messages == ["an Event has no field dta: what it was given is dropped"]


def test_a_wrong_event_is_a_wrong_field_of_a_model_around_it() -> None:
    class Order(pydantic.BaseModel):
        event: Event

    with pytest.raises(pydantic.ValidationError, match="name: Input should be a valid string"):
        Order.model_validate({"event": {"name": 1}})
    either: Any = Event | dict
    assert pydantic.TypeAdapter(either).validate_python({"a": 1}) == {"a": 1}


def test_none_as_data_is_no_data() -> None:
    fields: dict[str, Any] = {"name": "a", "data": None}
    assert Event(**fields).data == {}


@pytest.mark.parametrize(
    "value",
    [datetime.datetime.now(datetime.timezone.utc), float("nan"), float("inf"), b"x", {1}, object()],
)
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


@pytest.mark.parametrize("raw", [None, [], {}, {"name": 1}, {"name": "a", "ts": "x"}])
def test_a_malformed_event_is_an_error_value(raw: Any) -> None:
    assert isinstance(Event.decode(raw), BodyInvalidError)
