"""Whether it is worth trying what has just failed."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_SECONDS = 30.0
"""After a failure, no call tries for this long."""


class Gate:
    """Shared by all calls of an app: shut for a while when the server takes no checkpoints."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._shut_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it is worth a try."""
        return self.clock() >= self._shut_until

    def shut(self) -> None:
        """Have others not try in vain."""
        self._shut_until = self.clock() + PAUSE_SECONDS


__all__ = ["Gate"]
