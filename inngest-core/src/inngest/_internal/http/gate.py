"""A circuit breaker for checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_SECONDS = 30.0
"""How long it stays open after a failure."""


class Gate:
    """Shared by all calls of an app: shut for a while after the server rejected checkpoints."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._shut_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether checkpoints may be sent."""
        return self.clock() >= self._shut_until

    def shut(self) -> None:
        """Stop sending checkpoints for :data:`PAUSE_SECONDS`."""
        self._shut_until = self.clock() + PAUSE_SECONDS


__all__ = ["Gate"]
