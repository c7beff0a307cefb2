"""What a step face needs of the call that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from inngest._internal.event import Event
from inngest._internal.op import StepCall, StepID
from inngest._internal.serialization.contract import Serializer

Events: TypeAlias = "Event[Any] | list[Event[Any]]"
# In quotes: to subscript a model makes pydantic build it, which scans entry points.
FindSerializer = Callable[[Serializer | str | None], Serializer | None]
"""Finds the serializer of a name, and looks at one that is given."""
MetadataOp = Literal["add", "delete", "merge", "set"]
"""How values change those that are there."""


class RunClient(Protocol):
    """What steps have the function's client do."""

    async def send(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events."""
        ...

    def send_sync(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events like ``send``, without an event loop."""
        ...

    async def send_signal(self, signal: str, data: object = None) -> str | None:
        """Send a signal."""
        ...

    def send_signal_sync(self, signal: str, data: object = None) -> str | None:
        """Send a signal like ``send_signal``, without an event loop."""
        ...

    async def update_metadata(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Change what is noted of a run."""
        ...

    def update_metadata_sync(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Change it like ``update_metadata``, without an event loop."""
        ...


class RunnerFacts(Protocol):
    """What steps of either colour know of their call."""

    @property
    def app_id(self) -> str:
        """The id of the function's app."""
        ...

    @property
    def run_id(self) -> str:
        """The id of the run."""
        ...

    @property
    def client(self) -> RunClient:
        """The function's client."""
        ...

    @property
    def find_serializer(self) -> FindSerializer:
        """Finds the serializer of a name."""
        ...

    def defer(self, call: StepCall) -> StepID:
        """Note a call that is to be made when the run has ended."""
        ...

    def abort(self, deferred: StepID) -> None:
        """Take back a deferred call."""
        ...


class StepRunner(RunnerFacts, Protocol):
    """Takes steps in an async function."""

    async def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    async def send(self, events: Events) -> list[str]:
        """Send events within the middleware of the call."""
        ...


class StepRunnerSync(RunnerFacts, Protocol):
    """Takes steps in a sync function."""

    def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    def send(self, events: Events) -> list[str]:
        """Send events within the middleware of the call."""
        ...


__all__ = [
    "Events",
    "FindSerializer",
    "MetadataOp",
    "RunClient",
    "RunnerFacts",
    "StepRunner",
    "StepRunnerSync",
]
