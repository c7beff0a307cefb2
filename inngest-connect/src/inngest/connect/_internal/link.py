"""One connection to a gateway, from its opening to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.effects import Effects
from inngest.connect._internal.handshake import Handshake
from inngest.connect._internal.heartbeat import Heartbeat
from inngest.connect._internal.timing import Timing, earliest, effective_interval, parse_interval
from inngest.connect._internal.wire import connect_pb2 as wire

NORMAL, INVALID_DATA = 1000, 1007
SHUTDOWN_REASON: Final = "WORKER_SHUTDOWN"
MIN_STATUS_SECONDS: Final = 2.0
"""The shortest interval for WORKER_STATUS: gateways drop workers that send it more often."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why to give up a connection, for the log, and the code and reason to close it with."""

    cause: str
    code: int = NORMAL
    reason: str = SHUTDOWN_REASON


@dataclass(slots=True, kw_only=True)
class Link:
    """The state of a connection. Times are in seconds, on the caller's clock."""

    id: int
    connection_id: str
    group: str
    handshake: Handshake
    deadline: float | None
    """When to give up the opening or the closing handshake."""
    heartbeat: Heartbeat | None = None
    ready_due: float | None = None
    """When to send WORKER_READY at the latest; ``None`` if it is sent or not needed."""
    status_due: float | None = None
    status_interval: float = 0.0
    is_retiring: bool = False
    """The gateway is draining or replaced. It still accepts replies."""
    is_closing: bool = False
    """The worker has begun the closing handshake."""

    @property
    def is_ready(self) -> bool:
        """Whether replies and lease extensions can be sent."""
        return self.handshake.is_done and not self.is_closing

    @property
    def is_current(self) -> bool:
        """Whether this is the connection for calls."""
        return self.is_ready and not self.is_retiring

    @property
    def log_fields(self) -> dict[str, object]:
        """The fields that identify the connection in logs."""
        return {"connection_id": self.connection_id, "gateway_group": self.group}

    @property
    def next_due(self) -> float | None:
        """When there is something to do next."""
        beat = self.heartbeat.due if self.heartbeat is not None and self.is_ready else None
        status = self.status_due if self.is_ready else None
        ready = self.ready_due if self.is_current else None
        return earliest(self.deadline, beat, status, ready)

    def apply_terms(
        self, terms: wire.GatewayConnectionReadyData, timing: Timing, now: float
    ) -> None:
        """Adopt the gateway's intervals, as the handshake is complete."""
        self.deadline = None
        interval = effective_interval(terms.heartbeat_interval, timing.heartbeat)
        self.heartbeat = Heartbeat(interval, now, expects_answers=self.handshake.is_routable)
        status = parse_interval(terms.status_interval, 0)
        if status:
            self.status_interval = max(status, MIN_STATUS_SECONDS)
            self.status_due = now + self.status_interval

    def tick(self, now: float, effects: Effects) -> Failure | None:
        """Send a heartbeat if it is due. Return a failure if the connection is to be given up."""
        if self.deadline is not None and self.deadline <= now:
            # During the closing handshake, the caller neither logs nor sends this.
            return Failure("the handshake timed out")
        if self.heartbeat is None or not self.is_ready or self.heartbeat.due > now:
            return None
        if not self.heartbeat.beat(now):
            return Failure(
                "no frame from the gateway for two heartbeats",
                reason="CONSECUTIVE_HEARTBEATS_MISSED",
            )
        effects.send(self.id, wire.WORKER_HEARTBEAT)
        return None

    def is_status_due(self, now: float) -> bool:
        """Return whether a WORKER_STATUS message is due, and schedule the next one."""
        if self.status_due is None or self.status_due > now or not self.is_ready:
            return False
        self.status_due = now + self.status_interval
        return True
