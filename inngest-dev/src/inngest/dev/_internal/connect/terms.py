"""The gateway's intervals and limits. Tests bring their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Times are in seconds."""

    heartbeat: float = 10.0
    """Between two heartbeats of a worker."""
    missed_heartbeats: int = 5
    """After so many without a heartbeat, the connection is closed."""
    stale_heartbeats: float = 2.0
    """After so many without a heartbeat, no more calls are sent."""
    extend_lease: float = 30.0
    """Between two extensions of a lease by a worker."""
    lease: float = 120.0
    """How long a call is a worker's without an extension."""
    status: float = 0.0
    """Between two reports of a worker's status; 0: none are wanted."""
    hello: float = 5.0
    """Until a worker has introduced itself."""
    drain: float = 25.0
    """From the notice that a gateway closes until it does."""
    goodbye: float = 1.0
    """For all workers to be notified and disconnected when the gateway stops."""
    patience: float = 10.0
    """How long a call waits for another worker when all are leaving."""
    token: float = 300.0
    """How long the token holds that a worker is given for connecting."""
    apps: int = 10
    """How many apps one connection may bring."""


def interval(seconds: float) -> str:
    """The text by which a gateway tells workers an interval."""
    return f"{round(seconds)}s" if seconds == round(seconds) else f"{round(seconds * 1000)}ms"
