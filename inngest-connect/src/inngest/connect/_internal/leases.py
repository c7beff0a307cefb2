"""Leases: the promise that a call is being worked on, renewed while it is. Pure."""

from __future__ import annotations

from inngest.connect._internal.agenda import Agenda


class Leases:
    """The newest leases of all calls that are under way, and when to ask for the next ones."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}
        self._agenda = Agenda()

    def take(self, request_id: str, lease_id: str, due: float) -> None:
        """A call came in with a lease."""
        self._held[request_id] = lease_id
        self._agenda.put(request_id, due)

    def renewed(self, request_id: str, lease_id: str) -> None:
        """The gateway gave another lease. That of a call that has ended is of no use."""
        if request_id in self._held:
            self._held[request_id] = lease_id

    def drop(self, request_id: str) -> bool:
        """The call has ended, or its lease is lost. Whether there was one."""
        self._agenda.drop(request_id)
        return self._held.pop(request_id, None) is not None

    def hurry(self, now: float) -> None:
        """Ask for all of them again: the gateway is another one."""
        for request_id in self._held:
            self._agenda.hurry(request_id, now)

    def due(self, now: float, interval: float) -> list[tuple[str, str]]:
        """Calls whose lease is to be extended now, with it; not again for an interval."""
        found = self._agenda.take(now)
        for request_id in found:
            self._agenda.put(request_id, now + interval)
        return [(request_id, self._held[request_id]) for request_id in found]

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        return self._agenda.next_due

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._held

    def __len__(self) -> int:
        return len(self._held)
