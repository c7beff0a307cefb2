"""What a step face needs of the call that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from inngest._internal.event import Event
from inngest._internal.op import StepCall
from inngest._internal.serialization.contract import Serializer

Events: TypeAlias = "Event[Any] | list[Event[Any]]"
# In quotes: to subscript a model makes pydantic build it, which scans entry points.
FindSerializer = Callable[[Serializer | str | None], Serializer | None]
"""Finds the serializer of a name."""


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

    @property
    def find_serializer(self) -> FindSerializer:
        """Finds the serializer of a name."""
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

    @property
    def find_serializer(self) -> FindSerializer:
        """Finds the serializer of a name."""
        ...
