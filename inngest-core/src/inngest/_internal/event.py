"""Events, which trigger functions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic

import pydantic
from pydantic import Field
from typing_extensions import TypeVar

from inngest._internal.errors import BodyInvalidError, cause_to_show
from inngest._internal.model import BaseModel, describe
from inngest._internal.model_state import (
    FieldsSet,
    NoneUntilSet,
    read_fields_set,
    write_fields,
    write_fields_set,
)
from inngest._internal.serialization.json_values import SCALARS, as_json
from inngest._internal.types import JSON, UNSET

logger = logging.getLogger("inngest")

Data = Mapping[str, JSON]
"""The data of an event without an :class:`inngest.EventType`."""

DataT = TypeVar("DataT", default=Data)


class Event(BaseModel, Generic[DataT]):
    """An event.

    The data of an ``Event`` is JSON. That of an ``Event[Model]``, which an
    :class:`inngest.EventType` creates, is an instance of the model.

    :param name: what happened, for example ``shop/order.placed``.
    :param data: a mapping of JSON values.
    :param id: events with the same id trigger a function once; ``""`` means none.
    :param ts: the time of the event, in milliseconds since the Unix epoch; by default when it
        is sent.
    :param user: data about the user that the event concerns.
    :param v: the version of the format of ``data``.
    """

    # Not "forbid": existing apps may pass other fields. They are dropped with a warning.
    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="ignore")

    name: str
    data: DataT = Field(default_factory=dict)  # type: ignore[assignment]
    id: str = ""
    ts: int = 0
    user: Mapping[str, JSON] | None = None
    v: str | None = None

    if TYPE_CHECKING:  # infers Event[Data], whatever the inferred type of the dictionary is

        def __init__(
            self: Event[Data],
            *,
            name: str,
            data: Data | None = None,
            id: str = "",  # noqa: A002
            ts: int = 0,
            user: Mapping[str, JSON] | None = None,
            v: str | None = None,
        ) -> None: ...

    else:
        __pydantic_fields_set__ = FieldsSet()
        __pydantic_extra__ = NoneUntilSet("__pydantic_extra__")
        __pydantic_private__ = NoneUntilSet("__pydantic_private__")

        def __init__(self, /, *, name: Any = UNSET, data: Any = UNSET, **others: Any) -> None:
            # The fast path: many events are created, and nearly all need no validation.
            given, plain = (_NAME, {}) if data is UNSET else (_NAME_AND_DATA, data)
            if (
                type(name) is str
                and type(plain) is dict
                and type(self) is Event
                and not (others and _need_validation(others))
                and not ("user" in others and _has_non_string_keys(others["user"]))
            ):
                for key in plain:
                    if type(key) is not str:
                        break
                else:
                    fields = _BLANK.copy()
                    fields["name"] = name
                    fields["data"] = plain.copy()
                    if others:
                        fields.update(others)
                        given = (
                            _with_name_and_data(*others)
                            if given is _NAME_AND_DATA
                            else given.union(others)
                        )
                        if "user" in others:
                            fields["user"] = others["user"].copy()
                    write_fields(self, fields)
                    write_fields_set(self, given)
                    return
            if type(self) is Event:
                _warn_of_dropped(others)
            values = {"name": name, "data": data, **others}
            super().__init__(**{field: v for field, v in values.items() if v is not UNSET})

    @pydantic.field_validator("data", mode="plain")
    @classmethod
    def _read_data(cls, value: object) -> object:
        if isinstance(value, pydantic.BaseModel):
            return value
        return {} if value is None else _mapping(value)

    @pydantic.field_validator("user", mode="plain")
    @classmethod
    def _read_user(cls, value: object) -> Mapping[str, JSON] | None:
        return None if value is None else _mapping(value)

    @pydantic.field_serializer("data", mode="wrap")
    def _write_data(
        self,
        value: object,
        write: pydantic.SerializerFunctionWrapHandler,
        info: pydantic.FieldSerializationInfo,
    ) -> object:
        if isinstance(value, pydantic.BaseModel):  # not the type that pydantic knows of the field
            return value.model_dump(mode=info.mode, by_alias=info.by_alias)
        return write(value)

    @staticmethod
    def decode(raw: object) -> Event | BodyInvalidError:
        """Decode an event from a server. Unknown keys are ignored; nulls count as absent."""
        # The fast path: validation would slow down each call, and servers send the right types.
        if type(raw) is dict and "name" in raw and "data" in raw and not _need_validation(raw):
            return _unvalidated(raw)
        if not isinstance(raw, Mapping):
            return BodyInvalidError("an event must be a JSON object")
        fields: dict[str, Any] = {
            key: value for key, value in raw.items() if value is not None and key in _FIELDS
        }
        ts = fields.get("ts")
        if isinstance(ts, float) and ts.is_integer():
            fields["ts"] = int(ts)
        try:
            return Event(**fields)
        except pydantic.ValidationError as err:
            return BodyInvalidError(f"the event is not valid: {describe(err)}")

    @classmethod
    def convert_validation_error(cls, err: BaseException) -> BaseException:
        """Return pydantic's error unchanged: existing apps catch it, and it shows no values."""
        return err

    def to_wire(self, now_ms: int) -> dict[str, object]:
        """Return the event as JSON types, to be sent to a server.

        :param now_ms: the timestamp if the event has none, in milliseconds since the Unix epoch.
        :raises BodyInvalidError: ``data`` or ``user`` contains something that is not JSON.
        """
        (wire,) = to_wires((self,), now_ms)
        wire["data"] = as_json(wire["data"], "data")
        return wire


_FIELDS: Final = frozenset(Event.model_fields)
_KINDS: Final = {"name": str, "data": dict, "id": str, "ts": int, "user": dict, "v": str}
_BLANK: Final = {name: field.default for name, field in Event.model_fields.items()}
_NAME: Final = frozenset({"name"})
_NAME_AND_DATA: Final = frozenset({"name", "data"})


@cache
def _with_name_and_data(*others: str) -> frozenset[str]:
    return _NAME_AND_DATA.union(others)


def to_wires(events: Iterable[Event[Any]], now_ms: int) -> list[dict[str, object]]:
    """Convert each event like :meth:`Event.to_wire`, with few function calls per event.

    The encoder checks the keys of ``data``, which can be wrong only if it was modified later.
    """
    wires: list[dict[str, object]] = []
    for event in events:
        fields = event.__dict__
        data = fields["data"]
        if type(data) is dict:
            for item in data.values():
                if type(item) not in SCALARS:
                    data = as_json(data, "data")
                    break
        else:
            if isinstance(data, pydantic.BaseModel):
                data = _dump(data)
            data = as_json(data, "data")
        wire = {"name": fields["name"], "data": data, "ts": now_ms}
        given = read_fields_set(event)
        if given is not _NAME_AND_DATA:
            if "ts" in given:
                wire["ts"] = fields["ts"]
            if fields["id"]:
                wire["id"] = fields["id"]
            if fields["user"] is not None:
                wire["user"] = as_json(fields["user"], "user")
            if fields["v"] is not None:
                wire["v"] = fields["v"]
        wires.append(wire)
    return wires


def _unvalidated(fields: dict[str, Any]) -> Event:
    """Make an event from fields that need no validation."""
    event: Event = object.__new__(Event)
    write_fields(event, _BLANK | fields)
    write_fields_set(event, fields.keys())
    return event


def _need_validation(fields: Mapping[str, Any]) -> bool:
    """Return whether any field is unknown, or its value not exactly of the field's type."""
    for field, value in fields.items():  # noqa: SIM110 (any() with a generator is half as fast)
        if type(value) is not _KINDS.get(field):
            return True
    return False


def _warn_of_dropped(fields: Mapping[str, Any]) -> None:
    dropped = sorted(fields.keys() - _FIELDS)
    if dropped:
        logger.warning("an Event has no field %s: the value is dropped", ", ".join(dropped))


def _dump(data: pydantic.BaseModel) -> object:
    try:
        return data.model_dump(mode="json", by_alias=True)
    except Exception as error:
        failure = BodyInvalidError(
            f"data: a {type(data).__name__} cannot be written as JSON ({type(error).__name__})"
        )
        raise failure from cause_to_show(error)


def _mapping(value: object) -> Mapping[str, JSON]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of names to JSON values")
    if _has_non_string_keys(value):
        raise ValueError("all keys must be strings")
    return value.copy() if type(value) is dict else value


def _has_non_string_keys(value: Mapping[object, object]) -> bool:
    for key in value:  # noqa: SIM110 (as above)
        if not isinstance(key, str):
            return True
    return False
