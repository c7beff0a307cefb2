"""What the gateway asks of workers, times in seconds. Tests bring their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    heartbeat: float = 10.0
    missed_heartbeats: int = 5
    """So many intervals of silence, and the connection is closed."""
    stale_heartbeats: float = 2.0
    """So many intervals of silence, and no more calls are sent."""
    extend_lease: float = 30.0
    lease: float = 120.0
    status: float = 0.0
    hello: float = 5.0
    drain: float = 25.0
    """From the notice that a gateway closes until it does."""
    goodbye: float = 1.0
    """For all workers to take their leave when the gateway stops."""
    patience: float = 10.0
    """For another worker when all that are there are leaving."""
    token: float = 300.0
    apps: int = 10
    """That one connection may bring."""


def interval(seconds: float) -> str:
    """As gateways write it."""
    return f"{round(seconds)}s" if seconds == round(seconds) else f"{round(seconds * 1000)}ms"
