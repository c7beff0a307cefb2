"""Heartbeats of one connection: sent on time, and missed when nobody answers. Pure."""

from __future__ import annotations

from typing import Final

MOST_UNANSWERED: Final = 2


class Heartbeat:
    """The first beat is due at once."""

    def __init__(self, interval: float, now: float) -> None:
        self._interval = interval
        self._unanswered = 0
        self.due = now
        self.answered_at: float | None = None

    def answered(self, now: float) -> None:
        """The gateway is there."""
        self._unanswered, self.answered_at = 0, now

    def beat(self, now: float) -> bool:
        """One is due: whether to send it. ``False``: too many were missed."""
        if self._unanswered >= MOST_UNANSWERED:
            return False
        self._unanswered += 1
        # Not from `due`: after a pause of the machine there is one beat, not a burst.
        self.due = now + self._interval
        return True
