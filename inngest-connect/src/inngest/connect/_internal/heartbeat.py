"""The heartbeats of one connection: when to send them, and whether they are answered. Pure."""

from __future__ import annotations

from typing import Final

MAX_UNANSWERED: Final = 2


class Heartbeat:
    """Schedules heartbeats, the first one immediately, and counts those without an answer.

    :param expects_answers: whether a missing answer counts. A gateway need not answer before
        WORKER_READY; answers count from the first one on.
    """

    def __init__(self, interval: float, now: float, *, expects_answers: bool = True) -> None:
        self._interval, self._expects_answers = interval, expects_answers
        self._unanswered = 0
        self._began = now
        self.is_stable = False
        """Whether the connection has proved stable, by an answer after a full interval."""
        self.due = now

    def reset(self) -> None:
        """Reset the count on any frame: the answer may be queued behind many others."""
        self._unanswered = 0

    def answered(self, now: float) -> None:
        """Handle the answer to a heartbeat."""
        self._unanswered, self._expects_answers = 0, True
        self.is_stable = now - self._began >= self._interval

    def expect_answers(self, now: float) -> None:
        """Count missing answers from now on, and send a heartbeat immediately."""
        self._unanswered, self._expects_answers, self.due = 0, True, now

    def beat(self, now: float) -> bool:
        """Schedule the next heartbeat. Return ``False``, to send none, if too many were missed."""
        if self._unanswered >= MAX_UNANSWERED:
            return False
        self._unanswered += self._expects_answers
        # Relative to now, so that a suspended machine resumes with one heartbeat, not a burst.
        self.due = now + self._interval
        return True
