"""The state that the pure modules may read. The store implements it.

A callable `offers` stands for a received event: it takes names of fields, and returns the event's
values of them as text to compare (see `flow_control.keys`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from inngest.dev._internal.model.values import Event, Function, GateKind, Item, Json, Run


class State(Protocol):
    def active_runs(self, function_id: str) -> list[Run]:
        """Return the active runs without their steps, oldest first."""
        ...

    def cancellable(
        self, function_id: str, condition: str, offers: Callable[[str], str]
    ) -> Sequence[Run]:
        """Return the active runs that an event may cancel. Do not modify them.

        :param condition: of the cancellation. The caller must evaluate it on these runs.
        """
        ...

    def collected(self, function_id: str, key: str) -> list[str]:
        """Return the internal ids of the events in a batch, in order of arrival."""
        ...

    def event(self, internal_id: str) -> Event | None: ...

    def function(self, wanted: str) -> Function | None:
        """Return a function by composite id or UUID."""
        ...

    def concerned(self, event_name: str) -> Sequence[Function]:
        """Return the functions that events of this name may trigger, or cancel runs of."""
        ...

    def functions(self) -> Sequence[Function]: ...

    def gate(self, kind: GateKind, function_id: str, key: str) -> Json:
        """Return the flow control state for this key, or None: see `Gate`."""
        ...

    def number_of_apps(self) -> int:
        """Return how many apps have functions."""
        ...

    def run(self, run_id: str) -> Run | None: ...

    def running_in(self, lane: str) -> int:
        """Return how many started, active runs are in a lane."""
        ...

    def singles(self, function_id: str, key: str) -> list[str]:
        """Return the ids of a singleton's active runs with this key."""
        ...

    def started_since(self, function_id: str, event_key: str, since: int) -> bool:
        """Return whether an event with this key has started the function since then."""
        ...

    def waiting(self, kind: str, match: str) -> list[Item]:
        """Return the items of this kind with this `Item.match`."""
        ...

    def waits(self, event_name: str, offers: Callable[[str], str]) -> list[Item]:
        """Return the waits for events of this name that an event may resolve.

        The caller must evaluate their conditions.
        """
        ...
