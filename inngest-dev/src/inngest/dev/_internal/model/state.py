"""What the pure parts of the engine may ask of its state. The store answers.

A callable `offers` stands for an event that has come in: it is given names of fields, and tells
what the event has in them, as text to compare (see `flow_control.keys`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from inngest.dev._internal.model.values import Event, Function, GateKind, Item, Json, Run


class State(Protocol):
    def active_runs(self, function_id: str) -> list[Run]:
        """The runs that have not ended, the oldest first. Without their steps."""
        ...

    def cancellable(
        self, function_id: str, condition: str, offers: Callable[[str], str]
    ) -> Sequence[Run]:
        """The runs that have not ended and that an event may cancel. They are not to be changed.

        :param condition: of the cancellation. It is still to be evaluated on these runs.
        """
        ...

    def collected(self, function_id: str, key: str) -> list[str]:
        """The internal ids of the events in a batch, in the order they came."""
        ...

    def event(self, internal_id: str) -> Event | None: ...

    def function(self, wanted: str) -> Function | None:
        """By composite id or UUID."""
        ...

    def concerned(self, event_name: str) -> Sequence[Function]:
        """The functions that events of this name may trigger, or cancel runs of."""
        ...

    def functions(self) -> Sequence[Function]: ...

    def gate(self, kind: GateKind, function_id: str, key: str) -> Json:
        """What flow control remembers for this key: see `Gate`. None: nothing."""
        ...

    def number_of_apps(self) -> int:
        """How many apps have functions."""
        ...

    def run(self, run_id: str) -> Run | None: ...

    def running_in(self, lane: str) -> int:
        """How many runs take a place in a lane: they have started, and have not ended."""
        ...

    def singles(self, function_id: str, key: str) -> list[str]:
        """The ids of a singleton's runs with this key that have not ended."""
        ...

    def started_since(self, function_id: str, event_key: str, since: int) -> bool:
        """Whether an event with this key has started the function since then."""
        ...

    def waiting(self, kind: str, match: str) -> list[Item]:
        """The items of this kind that wait for this: see `Item.match`."""
        ...

    def waits(self, event_name: str, offers: Callable[[str], str]) -> list[Item]:
        """The waits for events of this name that an event may end.

        Their conditions are still to be evaluated.
        """
        ...
