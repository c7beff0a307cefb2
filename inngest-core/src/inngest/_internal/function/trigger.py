"""What can trigger a function, and the type of ``ctx.event.data`` that results."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from inngest._internal.event_type import EventType
from inngest._internal.function.config import DEFERRED, TriggerCron, TriggerDeferred, TriggerEvent

DataT_co = TypeVar("DataT_co", covariant=True)


class Trigger(Protocol[DataT_co]):
    """A trigger whose events have data of type ``DataT_co``."""

    @property
    def data_type(self) -> type[DataT_co] | None:
        """The type of ``ctx.event.data``."""
        ...

    @property
    def event_type(self) -> EventType[Any] | None:
        """The type of the triggering event; ``None`` if its data is JSON."""
        ...

    def to_config(self) -> TriggerCron | TriggerDeferred | TriggerEvent:
        """Return the untyped trigger, as it is registered."""
        ...


def takes_deferred_calls(trigger: TriggerCron | TriggerDeferred | TriggerEvent) -> bool:
    """Return whether the event of a deferred call matches this trigger."""
    match trigger:
        case TriggerDeferred():
            return True
        case TriggerEvent(event="inngest/*" | "inngest/deferred.*"):
            return True
        case TriggerEvent(event=event):
            return event == DEFERRED
    return False


__all__ = ["Trigger", "takes_deferred_calls"]
