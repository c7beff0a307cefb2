"""What is known of a worker from outside: its state, and what a probe may ask."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ConnectionState(enum.Enum):
    """Where a worker is in its life."""

    ACTIVE = "ACTIVE"
    """Connected: calls come in."""
    CLOSED = "CLOSED"
    """It has ended, or was never started."""
    CLOSING = "CLOSING"
    """It takes no new calls, and finishes those that it has."""
    CONNECTING = "CONNECTING"
    """It looks for its first gateway."""
    PAUSED = "PAUSED"
    """Never set; kept for code that names it."""
    RECONNECTING = "RECONNECTING"
    """It lost its gateway, or was asked to leave it, and looks for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A moment in the life of a worker, for probes and displays."""

    state: ConnectionState
    connection_id: str | None
    gateway_group: str | None
    seconds_since_heartbeat: float | None
    """Since the gateway last answered; ``None`` before it first did."""
    running: int
    """Calls that are being executed."""
    queued: int
    """Calls that wait for a place, since ``max_worker_concurrency`` are running, and calls of
    sync functions that wait for a thread (``INNGEST_THREAD_POOL_MAX_WORKERS``)."""
    unacknowledged: int
    """Replies that the gateway has not confirmed."""
    reconnects: int
    """Connections that were lost."""
    is_io_alive: bool
    """Whether the thread that owns the sockets is running."""

    @property
    def is_ready(self) -> bool:
        """For a readiness probe: calls come in."""
        return self.state is ConnectionState.ACTIVE

    @property
    def is_live(self) -> bool:
        """For a liveness probe: started, not ended, and able to connect again by itself."""
        return self.is_io_alive and self.state is not ConnectionState.CLOSED
