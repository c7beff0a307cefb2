"""Leases: the promise that a call is being worked on, renewed while it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """The newest lease of one call."""

    lease_id: str
    due: float
    """When to ask for the next one."""


class Leases:
    """The leases of all calls that are under way."""

    def __init__(self) -> None:
        self._held: dict[str, Lease] = {}

    def take(self, request_id: str, lease_id: str, due: float) -> None:
        """A call came in with a lease."""
        self._held[request_id] = Lease(lease_id, due)

    def renewed(self, request_id: str, lease_id: str) -> None:
        """The gateway gave another lease. That of a call that has ended is of no use."""
        lease = self._held.get(request_id)
        if lease is not None:
            lease.lease_id = lease_id

    def drop(self, request_id: str) -> bool:
        """The call has ended, or its lease is lost. Whether there was one."""
        return self._held.pop(request_id, None) is not None

    def hurry(self, now: float) -> None:
        """Ask for all of them again: the gateway is another one."""
        for lease in self._held.values():
            lease.due = min(lease.due, now)

    def due(self, now: float, interval: float) -> list[tuple[str, str]]:
        """Calls whose lease is to be extended now, with it; not again for an interval."""
        found = [(key, lease) for key, lease in self._held.items() if lease.due <= now]
        for _, lease in found:
            lease.due = now + interval
        return [(key, lease.lease_id) for key, lease in found]

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        return min((lease.due for lease in self._held.values()), default=None)

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._held

    def __len__(self) -> int:
        return len(self._held)
