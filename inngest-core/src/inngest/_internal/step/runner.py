"""The interfaces that step objects use to talk to their call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from inngest._internal.event import Event
from inngest._internal.op import StepCall, StepID
from inngest._internal.serialization.contract import Serializer

Events: TypeAlias = "Event[Any] | list[Event[Any]]"
# Quoted, because subscripting a model makes pydantic build it, which scans entry points.
FindSerializer = Callable[[Serializer | str | None], Serializer | None]
"""Returns the serializer with a given name, or validates a serializer object."""
MetadataOp = Literal["add", "delete", "merge", "set"]
"""How new metadata values are combined with existing ones."""


class RunClient(Protocol):
    """The methods of the client that steps use."""

    async def send(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events."""
        ...

    def send_sync(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events; the sync version of ``send``."""
        ...

    async def send_signal(self, signal: str, data: object = None) -> str | None:
        """Send a signal."""
        ...

    def send_signal_sync(self, signal: str, data: object = None) -> str | None:
        """Send a signal; the sync version of ``send_signal``."""
        ...

    async def update_metadata(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Update the metadata of a run."""
        ...

    def update_metadata_sync(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Update the metadata of a run; the sync version of ``update_metadata``."""
        ...


class RunnerFacts(Protocol):
    """What steps of async and sync functions know about their call."""

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
        """Resolves serializers by name."""
        ...

    def defer(self, call: StepCall) -> StepID:
        """Defer a call until the run has ended."""
        ...

    def abort(self, deferred: StepID) -> None:
        """Abort a deferred call."""
        ...


class StepRunner(RunnerFacts, Protocol):
    """Handles the steps of an async function."""

    async def take(self, step: StepCall) -> object:
        """Return the value of a step, or raise its error."""
        ...

    async def send(self, events: Events) -> list[str]:
        """Send events within the call's middleware."""
        ...


class StepRunnerSync(RunnerFacts, Protocol):
    """Handles the steps of a sync function."""

    def take(self, step: StepCall) -> object:
        """Return the value of a step, or raise its error."""
        ...

    def send(self, events: Events) -> list[str]:
        """Send events within the call's middleware."""
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
