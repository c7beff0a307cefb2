"""Heartbeats of one connection: sent on time, and missed when nobody answers. Pure."""

from __future__ import annotations

from typing import Final

MOST_UNANSWERED: Final = 2


class Heartbeat:
    """The first beat is due at once.

    :param is_answered: whether the gateway is known to answer. It need not while the worker is
        not ready to take calls: nothing is missed then, before a first answer.
    """

    def __init__(self, interval: float, now: float, *, is_answered: bool = True) -> None:
        self._interval, self._is_answered = interval, is_answered
        self._unanswered = 0
        self._began = now
        self.is_steady = False
        """Whether the connection has proved good: it lasted from one beat to the next."""
        self.due = now

    def heard(self) -> None:
        """The gateway has said something: its answer may stand behind much else."""
        self._unanswered = 0

    def answered(self, now: float) -> None:
        """The gateway is there."""
        self._unanswered, self._is_answered = 0, True
        self.is_steady = now - self._began >= self._interval

    def expect(self, now: float) -> None:
        """The gateway is to answer from now on; it is asked at once."""
        self._unanswered, self._is_answered, self.due = 0, True, now

    def beat(self, now: float) -> bool:
        """One is due: whether to send it. ``False``: too many were missed."""
        if self._unanswered >= MOST_UNANSWERED:
            return False
        self._unanswered += self._is_answered
        # Not from `due`: after a pause of the machine there is one beat, not a burst.
        self.due = now + self._interval
        return True
