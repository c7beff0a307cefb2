"""One connection to one gateway, from its opening to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.effects import Effects
from inngest.connect._internal.handshake import Handshake
from inngest.connect._internal.heartbeat import Heartbeat
from inngest.connect._internal.timing import Timing, agreed, earliest, parse_interval
from inngest.connect._internal.wire import connect_pb2 as wire

NORMAL, INVALID_DATA = 1000, 1007
GOODBYE: Final = "WORKER_SHUTDOWN"
MIN_STATUS_SECONDS: Final = 2.0
"""A gateway leaves a worker that tells its status more often."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection is given up, for our log, and with which words it is closed."""

    why: str
    code: int = NORMAL
    reason: str = GOODBYE


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

    @property
    def is_ready(self) -> bool:
        """Whether replies and leases can be sent."""
        return self.handshake.is_done and not self.is_leaving

    @property
    def is_current(self) -> bool:
        """Whether calls come in."""
        return self.is_ready and not self.is_retiring

    @property
    def log_fields(self) -> dict[str, object]:
        """Which one it is."""
        return {"connection_id": self.connection_id, "gateway_group": self.group}

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        beat = self.heartbeat.due if self.heartbeat is not None and self.is_ready else None
        status = self.status_due if self.is_ready else None
        ready = self.ready_due if self.is_current else None
        return earliest(self.deadline, beat, status, ready)

    def agree(self, terms: wire.GatewayConnectionReadyData, timing: Timing, now: float) -> None:
        """The gateway is ready, and says how often it wants to hear of us."""
        self.deadline = None
        interval = agreed(terms.heartbeat_interval, timing.heartbeat)
        self.heartbeat = Heartbeat(interval, now, is_answered=self.handshake.is_routable)
        status = parse_interval(terms.status_interval, 0)
        if status:
            self.status_interval = max(status, MIN_STATUS_SECONDS)
            self.status_due = now + self.status_interval

    def tick(self, now: float, effects: Effects) -> Failure | None:
        """Beat, if that is due. Returns why to give the connection up, if it is."""
        if self.deadline is not None and self.deadline <= now:
            # Who does not answer our goodbye is left without a word.
            return Failure("no handshake in time")
        if self.heartbeat is None or not self.is_ready or self.heartbeat.due > now:
            return None
        if not self.heartbeat.beat(now):
            return Failure("the gateway is silent", reason="CONSECUTIVE_HEARTBEATS_MISSED")
        effects.send(self.id, wire.WORKER_HEARTBEAT)
        return None

    def is_status_due(self, now: float) -> bool:
        """Whether to tell the gateway how we are; not again for an interval."""
        if self.status_due is None or self.status_due > now or not self.is_ready:
            return False
        self.status_due = now + self.status_interval
        return True
