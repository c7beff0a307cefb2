"""Typed events: one declaration of a name and a model for triggers, waits, sends and reads."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, cast

import pydantic
from typing_extensions import TypeVar

from inngest._internal.errors import (
    EventInvalidError,
    FunctionConfigInvalidError,
    cause_to_show,
    with_cause,
)
from inngest._internal.event import Event
from inngest._internal.function.config import TriggerEvent
from inngest._internal.serialization.text import to_json_values
from inngest._internal.types import JSON

ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)

RESERVED_KEY = "_inngest"
"""Added by the server to the data of an invoked function's event."""


class _TypedTrigger(ABC, Generic[ModelT]):
    """A trigger by typed events. Type checkers infer it for a list of several kinds of them."""

    @property
    def data_type(self) -> type[ModelT] | None:
        """The type of ``ctx.event.data`` in a function with this trigger."""
        return self.event_type.model

    @property
    @abstractmethod
    def event_type(self) -> EventType[ModelT]:
        """The type of the triggering event."""

    @abstractmethod
    def to_config(self) -> TriggerEvent:
        """Return the untyped trigger, as it is registered."""


class EventType(_TypedTrigger[ModelT]):
    """The name of an event and the pydantic model of its data.

    ::

        class OrderPlaced(pydantic.BaseModel):
            order_id: str

        order_placed = inngest.EventType("shop/order.placed", OrderPlaced)

    Use it as a trigger, in ``step.wait_for_event``, and to make events with :meth:`create`.
    A function that it triggers takes ``Context[OrderPlaced]``; ``ctx.event.data`` is an
    instance of the model.

    :param name: the event's name: 1 to 255 characters, without a wildcard.
    :param model: the pydantic model of its data. Fields are encoded with their aliases.
    :raises FunctionConfigInvalidError: ``name`` or ``model`` is invalid.
    """

    def __init__(self, name: str, model: type[ModelT]) -> None:
        if not 1 <= len(name) <= 255 or "*" in name:
            raise FunctionConfigInvalidError(
                "name: the name of an event type has 1 to 255 characters and no wildcard"
            )
        if not issubclass(cast(type, model), pydantic.BaseModel):
            raise FunctionConfigInvalidError(
                f'model: the event type "{name}" needs a class derived from pydantic.BaseModel'
            )
        self._name = name
        self._model = model

    def __repr__(self) -> str:
        return f"EventType({self._name!r}, {self._model.__name__})"

    @property
    def name(self) -> str:
        """The event's name."""
        return self._name

    @property
    def model(self) -> type[ModelT]:
        """The model of the event's data."""
        return self._model

    @property
    def event_type(self) -> EventType[ModelT]:
        """This event type."""
        return self

    def as_trigger(self, *, expression: str | None = None) -> EventTrigger[ModelT]:
        """Return a trigger for those events of this type that match an expression.

        :param expression: a CEL expression that may refer to ``event``.
        """
        return EventTrigger(self, expression)

    def to_config(self) -> TriggerEvent:
        """Return the untyped trigger, as it is registered."""
        return self.as_trigger().to_config()

    def create(
        self,
        data: ModelT,
        *,
        id: str = "",  # noqa: A002
        ts: int | None = None,
        user: Mapping[str, JSON] | None = None,
        v: str | None = None,
    ) -> Event[ModelT]:
        """Make an event of this type.

        :param data: an instance of the model.
        :param id: events with the same id trigger a function once.
        :param ts: the time of the event, in milliseconds since the Unix epoch; by default when
            it is sent.
        :param user: data about the user that the event concerns.
        :param v: the version of the data's format.
        :raises EventInvalidError: ``data`` is not an instance of the model.
        """
        if not isinstance(data, self._model):
            raise EventInvalidError(
                f'the data of event "{self._name}" must be a {self._model.__name__}, '
                f"not a {type(data).__name__}"
            )
        event = Event(name=self._name, id=id, user=user, v=v)
        if ts is not None:
            event.ts = ts
        return _with_data(event, data)

    def parse(self, event: Event[Any]) -> Event[ModelT] | EventInvalidError:
        """Return ``event`` with its data validated as the model, or the validation error."""
        if isinstance(event.data, self._model):
            return cast("Event[ModelT]", event)
        data = {key: value for key, value in event.data.items() if key != RESERVED_KEY}
        try:
            # JSON mode, in which, for example, strict models accept a string as a date.
            model = self._model.model_validate_json(_json(data))
        except ValueError as error:
            failure = EventInvalidError(
                f'the data of event "{event.name}" is not a {self._model.__name__}: '
                + _problems(error)
            )
            return with_cause(failure, cause_to_show(error))
        return _with_data(event, model)


class EventTrigger(_TypedTrigger[ModelT]):
    """A trigger made by :meth:`EventType.as_trigger`."""

    def __init__(self, event_type: EventType[ModelT], expression: str | None) -> None:
        self._event_type = event_type
        self._expression = expression

    @property
    def event_type(self) -> EventType[ModelT]:
        """The type of the triggering event."""
        return self._event_type

    def to_config(self) -> TriggerEvent:
        """Return the untyped trigger, as it is registered."""
        return TriggerEvent(event=self._event_type.name, expression=self._expression)


def _with_data(event: Event, data: ModelT) -> Event[ModelT]:
    typed = event.model_copy(update={"data": data})
    return cast("Event[ModelT]", typed)


def _json(data: object) -> str:
    try:
        return json.dumps(data)
    except TypeError:  # a middleware hook has put in something that is not JSON
        return json.dumps(data, default=to_json_values)


def _problems(error: ValueError) -> str:
    if not isinstance(error, pydantic.ValidationError):
        return "a middleware has added a value that is not JSON"
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:5])


__all__ = ["EventTrigger", "EventType", "ModelT"]
