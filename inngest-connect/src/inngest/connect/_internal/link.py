"""One connection to one gateway, from its opening to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from inngest.connect._internal.handshake import Handshake
from inngest.connect._internal.heartbeat import Heartbeat


@dataclass(slots=True, kw_only=True)
class Link:
    """What is known of a connection. Times are those of the caller's clock."""

    id: int
    connection_id: str
    group: str
    handshake: Handshake
    deadline: float | None
    """When to give up waiting: for the handshake, or for the end."""
    heartbeat: Heartbeat | None = None
    ready_due: float | None = None
    """When to tell the gateway at the latest that calls may come; ``None``: it knows."""
    status_due: float | None = None
    status_interval: float = 0.0
    is_retiring: bool = False
    """The gateway asked us to leave: it sends no more calls, but still takes replies."""
    is_leaving: bool = False
    """We have said goodbye."""
    log_fields: dict[str, object] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether replies and leases can be sent."""
        return self.handshake.is_done and not self.is_leaving

    @property
    def is_current(self) -> bool:
        """Whether calls come in."""
        return self.is_ready and not self.is_retiring

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        beat = self.heartbeat.due if self.heartbeat is not None and self.is_ready else None
        status = self.status_due if self.is_ready else None
        ready = self.ready_due if self.is_current else None
        found = self.deadline, beat, status, ready
        return min((due for due in found if due is not None), default=None)
