"""When to look for a gateway, with which key, and which gateways to leave out. Pure.

Looking never ends by itself, however long an outage lasts. The exception is a server that
has refused every key several times and never accepted one: that is a configuration error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from inngest.connect._internal.effects import Start
from inngest.connect._internal.errors import ConnectAuthenticationError
from inngest.connect._internal.timing import spread
from inngest.connect._internal.wire import connect_pb2 as wire

MOST_REFUSALS: Final = 3
"""Times that a worker whose keys were never accepted tries all of them."""


class Connector:
    """One search at a time, from asking the API until a gateway is ready."""

    def __init__(
        self, authorizations: Sequence[str], delays: Sequence[float], random: Callable[[], float]
    ) -> None:
        self._authorizations = tuple(authorizations)
        self._delays, self._random = tuple(delays), random
        self._key = self._failures = self._refusals = 0
        self._was_accepted = False
        self._excluded: dict[str, None] = {}
        self.is_busy = False
        self.due: float | None = None

    @property
    def authorization(self) -> str | None:
        """What to authorize requests of the API with; nothing in dev mode."""
        return self._authorizations[self._key] if self._authorizations else None

    @property
    def excluded(self) -> list[str]:
        """Groups of gateways that are not wanted."""
        return list(self._excluded)

    @property
    def is_looking(self) -> bool:
        """Whether a gateway is being looked for, or will be."""
        return self.is_busy or self.due is not None

    def want(self, now: float) -> None:
        """A connection is needed: at once, unless one is under way or waited for."""
        if not self.is_looking:
            self.due = now

    def give_up(self) -> None:
        """No connection is needed any more."""
        self.is_busy, self.due = False, None

    def begin(self, now: float) -> Start | None:
        """Ask for a gateway, if that is due. It is under way then."""
        if self.is_busy or self.due is None or self.due > now:
            return None
        self.is_busy, self.due = True, None
        wanted = wire.StartRequest(exclude_gateways=self.excluded)
        return Start(wanted.SerializeToString(), self.authorization)

    def failed(self, now: float, retry_after: float = 0.0) -> float:
        """It did not work. Returns the seconds until the next attempt."""
        delay = spread(self._delays[min(self._failures, len(self._delays) - 1)], self._random())
        delay += retry_after  # who is told to wait together does not come back together
        self._failures += 1
        self.is_busy, self.due = False, now + delay
        return delay

    def refused(self, now: float, status: int) -> ConnectAuthenticationError | None:
        """The API does not accept the key: the other one is next.

        Returns an error when all keys have been tried often enough, and none was ever accepted.
        """
        keys = max(len(self._authorizations), 1)
        self.switch_key()
        self._refusals += 1
        if not self._was_accepted and self._refusals >= MOST_REFUSALS * keys:
            self.give_up()
            return self._refusal(status)
        if self._refusals % keys:
            self.is_busy, self.due = False, now
        else:
            self.failed(now)
        return None

    def switch_key(self) -> None:
        """Use the other key from now on."""
        self._key = (self._key + 1) % max(len(self._authorizations), 1)

    def accepted(self) -> None:
        """The API accepts the key."""
        self._was_accepted, self._refusals = True, 0

    def exclude(self, group: str) -> None:
        """Leave a group of gateways out until one has been found."""
        if group:
            self._excluded[group] = None

    def include_all(self) -> None:
        """Leave no gateway out any more."""
        self._excluded.clear()

    def lasted(self) -> None:
        """A connection has proved good: the next failure is the first one again."""
        self._failures = 0

    def sent_away(self, now: float) -> None:
        """A gateway wants us elsewhere: at once, unless the one before did not last either."""
        if self._failures:
            self.failed(now)
        else:
            self._failures = 1
            self.want(now)

    def found(self) -> None:
        """A gateway is ready. Whether it stays is not known yet."""
        self.is_busy, self.due = False, None
        self.include_all()

    def _refusal(self, status: int) -> ConnectAuthenticationError:
        if self._authorizations:
            return ConnectAuthenticationError(
                f"the Inngest server refuses the signing key (status {status}): check "
                "INNGEST_SIGNING_KEY, INNGEST_SIGNING_KEY_FALLBACK and INNGEST_ENV"
            )
        return ConnectAuthenticationError(
            f"the Inngest server asks for a signing key (status {status}), and in dev mode none "
            "is sent: leave INNGEST_DEV unset, and set INNGEST_SIGNING_KEY"
        )
