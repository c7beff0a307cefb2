"""The leases of calls, which tell the server that a worker is executing them. Pure."""

from __future__ import annotations

from inngest.connect._internal.agenda import Agenda


class Leases:
    """The newest lease of each unfinished call, and when to extend it."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}
        self._agenda = Agenda()

    def add(self, request_id: str, lease_id: str, due: float) -> None:
        """Store a call's lease."""
        self._held[request_id] = lease_id
        self._agenda.schedule(request_id, due)

    def renew(self, request_id: str, lease_id: str) -> None:
        """Replace a call's lease after an extension, unless the call has finished."""
        if request_id in self._held:
            self._held[request_id] = lease_id

    def drop(self, request_id: str) -> bool:
        """Remove a lease that is lost or no longer needed. Return whether there was one."""
        self._agenda.cancel(request_id)
        return self._held.pop(request_id, None) is not None

    def expedite(self, now: float) -> None:
        """Make all extensions due at ``now``."""
        for request_id in self._held:
            self._agenda.expedite(request_id, now)

    def due(self, now: float, interval: float) -> list[tuple[str, str]]:
        """Return the request and lease ids of due extensions, and schedule the next ones."""
        found = self._agenda.pop_due(now)
        for request_id in found:
            self._agenda.schedule(request_id, now + interval)
        return [(request_id, self._held[request_id]) for request_id in found]

    @property
    def next_due(self) -> float | None:
        """When the next extension is due."""
        return self._agenda.next_due

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._held

    def __len__(self) -> int:
        return len(self._held)
