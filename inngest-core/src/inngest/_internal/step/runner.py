"""What a step face needs of the call that it belongs to."""

from __future__ import annotations

from typing import Any, Protocol

from inngest._internal.event import Event
from inngest._internal.op import StepCall

Events = Event[Any] | list[Event[Any]]


class StepRunner(Protocol):
    """Takes steps in an async function."""

    async def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    async def send(self, events: Events) -> list[str]:
        """Send events with the function's client."""
        ...

    @property
    def app_id(self) -> str:
        """The id of the function's app."""
        ...


class StepRunnerSync(Protocol):
    """Takes steps in a sync function."""

    def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    def send(self, events: Events) -> list[str]:
        """Send events with the function's client."""
        ...

    @property
    def app_id(self) -> str:
        """The id of the function's app."""
        ...
