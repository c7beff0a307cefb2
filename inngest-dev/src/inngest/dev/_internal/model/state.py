"""What the pure parts of the engine may ask about the past. The store answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from inngest.dev._internal.model.values import Event, Function, GateKind, Item, Json, Run


class State(Protocol):
    def active_runs(self, function_id: str) -> list[Run]:
        """Those that did not end, the oldest first. Without their steps."""
        ...

    def cancellable(
        self, function_id: str, condition: str, offers: Callable[[str], str]
    ) -> Sequence[Run]:
        """Runs that did not end, but for those that want other values than an event offers.

        They are not to be changed.
        """
        ...

    def collected(self, function_id: str, key: str) -> list[str]:
        """The internal ids of the events that wait in a batch, in their order."""
        ...

    def event(self, internal_id: str) -> Event | None: ...

    def function(self, wanted: str) -> Function | None:
        """By composite id or UUID."""
        ...

    def concerned(self, event_name: str) -> Sequence[Function]:
        """The functions that it may trigger, or cancel runs of, by its name."""
        ...

    def functions(self) -> Sequence[Function]: ...

    def gate(self, kind: GateKind, function_id: str, key: str) -> Json:
        """None when nothing is remembered."""
        ...

    def number_of_apps(self) -> int:
        """Of those that have functions."""
        ...

    def run(self, run_id: str) -> Run | None: ...

    def running_in(self, lane: str) -> int:
        """How many runs take a place in it: started and not ended."""
        ...

    def singles(self, function_id: str, key: str) -> list[str]:
        """The ids of its runs that did not end, and are the only ones of this key."""
        ...

    def started_since(self, function_id: str, event_key: str, since: int) -> bool: ...

    def waiting(self, kind: str, match: str) -> list[Item]: ...

    def waits(self, event_name: str, offers: Callable[[str], str]) -> list[Item]:
        """Those for events of a name, but for those that want other values than it offers."""
        ...
