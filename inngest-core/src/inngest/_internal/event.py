"""An event: what starts functions, and what they are given."""

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
from inngest._internal.model_state import Given, NoneUntilSet, given_of, set_fields, set_given
from inngest._internal.serialization.json_values import SCALARS, as_json
from inngest._internal.types import JSON, UNSET

logger = logging.getLogger("inngest")

Data = Mapping[str, JSON]
"""The data of an event that has no type of its own."""

DataT = TypeVar("DataT", default=Data)


class Event(BaseModel, Generic[DataT]):
    """Something that happened.

    ``Event`` alone holds JSON; ``Event[Model]`` comes from an :class:`inngest.EventType`
    and holds an instance of its model.

    :param name: what happened, for example ``shop/order.placed``.
    :param data: anything that JSON can say.
    :param id: events of one id start a function once; ``""`` means none.
    :param ts: when it happened, in milliseconds since 1970; unset means now.
    :param user: who it concerns.
    :param v: version of the form of ``data``.
    """

    # Existing apps may pass what no event has: it is dropped, but not in silence.
    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="ignore")

    name: str
    data: DataT = Field(default_factory=dict)  # type: ignore[assignment]
    id: str = ""
    ts: int = 0
    user: Mapping[str, JSON] | None = None
    v: str | None = None

    if TYPE_CHECKING:  # an event made by hand holds JSON, whatever its dict is inferred as

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
        __pydantic_fields_set__ = Given()
        __pydantic_extra__ = NoneUntilSet("__pydantic_extra__")
        __pydantic_private__ = NoneUntilSet("__pydantic_private__")

        def __init__(self, /, *, name: Any = UNSET, data: Any = UNSET, **others: Any) -> None:
            # Events are made by the thousand, and nearly all need no validation.
            given, plain = (_NAME, {}) if data is UNSET else (_NAME_AND_DATA, data)
            if (
                type(name) is str
                and type(plain) is dict
                and type(self) is Event
                and not (others and _need_validation(others))
                and not ("user" in others and _has_odd_keys(others["user"]))
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
                            _given_besides(*others)
                            if given is _NAME_AND_DATA
                            else given.union(others)
                        )
                        if "user" in others:
                            fields["user"] = others["user"].copy()
                    set_fields(self, fields)
                    set_given(self, given)
                    return
            if type(self) is Event:
                _warn_of_dropped(others)
            asked = {"name": name, "data": data, **others}
            super().__init__(**{field: v for field, v in asked.items() if v is not UNSET})

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
        if isinstance(value, pydantic.BaseModel):  # which is not the type that the field has
            return value.model_dump(mode=info.mode, by_alias=info.by_alias)
        return write(value)

    @staticmethod
    def decode(raw: object) -> Event | BodyInvalidError:
        """Read an event from a server. Unknown keys are ignored, nulls are absent."""
        # Servers send every field of its type: pydantic, asked at every call, is slow for so little.
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
        """Leave pydantic's error as it is, for those who catch it: it shows no value."""
        return err

    def to_wire(self, now_ms: int) -> dict[str, object]:
        """Return the event as JSON values, for a server.

        :param now_ms: the time of an event that has none.
        :raises BodyInvalidError: ``data`` or ``user`` holds something that is not JSON.
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
def _given_besides(*others: str) -> frozenset[str]:
    return _NAME_AND_DATA.union(others)


def to_wires(events: Iterable[Event[Any]], now_ms: int) -> list[dict[str, object]]:
    """Do for each of ``events`` what :meth:`Event.to_wire` does, with few calls of functions.

    Keys that are no text, which only a change after the making brings, are left to the encoder.
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
                data = _dumped(data)
            data = as_json(data, "data")
        wire = {"name": fields["name"], "data": data, "ts": now_ms}
        given = given_of(event)
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
    """Make an event of fields that need no validation."""
    event: Event = object.__new__(Event)
    set_fields(event, _BLANK | fields)
    set_given(event, fields.keys())
    return event


def _need_validation(fields: Mapping[str, Any]) -> bool:
    """Whether not every value is exactly of its field's type."""
    for field, value in fields.items():  # noqa: SIM110 (a generator takes twice as long)
        if type(value) is not _KINDS.get(field):
            return True
    return False


def _warn_of_dropped(fields: Mapping[str, Any]) -> None:
    dropped = sorted(fields.keys() - _FIELDS)
    if dropped:
        logger.warning("an Event has no field %s: what it was given is dropped", ", ".join(dropped))


def _dumped(data: pydantic.BaseModel) -> object:
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
    if _has_odd_keys(value):
        raise ValueError("all keys must be strings")
    return value.copy() if type(value) is dict else value


def _has_odd_keys(value: Mapping[object, object]) -> bool:
    for key in value:  # noqa: SIM110 (as above)
        if not isinstance(key, str):
            return True
    return False
