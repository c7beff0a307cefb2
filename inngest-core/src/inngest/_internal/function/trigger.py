"""What can start a function, and what its handler then finds in ``ctx.event.data``."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from inngest._internal.event_type import EventType
from inngest._internal.function.config import DEFERRED, TriggerCron, TriggerDeferred, TriggerEvent

DataT_co = TypeVar("DataT_co", covariant=True)


class Trigger(Protocol[DataT_co]):
    """Starts a function whose events hold a ``DataT_co``."""

    @property
    def data_type(self) -> type[DataT_co] | None:
        """The type of ``ctx.event.data``."""
        ...

    @property
    def event_type(self) -> EventType[Any] | None:
        """What reads the event; ``None`` leaves it JSON."""
        ...

    def to_config(self) -> TriggerCron | TriggerDeferred | TriggerEvent:
        """Return the trigger as it is registered."""
        ...


def takes_deferred_calls(trigger: TriggerCron | TriggerDeferred | TriggerEvent) -> bool:
    """Whether the event of a deferred call starts what has this trigger."""
    match trigger:
        case TriggerDeferred():
            return True
        case TriggerEvent(event="inngest/*" | "inngest/deferred.*"):
            return True
        case TriggerEvent(event=event):
            return event == DEFERRED
    return False


__all__ = ["Trigger", "takes_deferred_calls"]
