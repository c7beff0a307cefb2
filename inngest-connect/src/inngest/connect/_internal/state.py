"""The public state and status of a worker."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ConnectionState(enum.Enum):
    """The state of a worker."""

    ACTIVE = "ACTIVE"
    """The worker is connected and accepts calls."""
    CLOSED = "CLOSED"
    """The worker has ended, or was closed before it was started."""
    CLOSING = "CLOSING"
    """The worker accepts no new calls, and finishes those already received."""
    CONNECTING = "CONNECTING"
    """The worker has not connected to a gateway yet."""
    PAUSED = "PAUSED"
    """Never set. Kept for compatibility."""
    RECONNECTING = "RECONNECTING"
    """The worker's gateway was lost or is draining, and it connects to another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A snapshot of a worker, for probes and dashboards."""

    state: ConnectionState
    connection_id: str | None
    gateway_group: str | None
    seconds_since_heartbeat: float | None
    """The time since the last answer to a heartbeat; ``None`` before the first one."""
    running: int
    """The number of calls that are executing."""
    queued: int
    """The number of calls that wait for a slot (``max_worker_concurrency``) or, if their function
    is sync, for a thread (``INNGEST_THREAD_POOL_MAX_WORKERS``).
    """
    unacknowledged: int
    """The number of replies that the server has not acknowledged."""
    reconnects: int
    """The number of connections that were lost after they were ready."""
    is_io_alive: bool
    """Whether the thread that owns the sockets is running."""

    @property
    def is_ready(self) -> bool:
        """For a readiness probe: whether the worker accepts calls."""
        return self.state is ConnectionState.ACTIVE

    @property
    def is_live(self) -> bool:
        """For a liveness probe: whether the worker has started, not ended, and can reconnect."""
        return self.is_io_alive and self.state is not ConnectionState.CLOSED
