"""When to request a gateway from the API, with which key, and which gateways to exclude. Pure.

Attempts are repeated without limit. The only exception: if the API repeatedly rejects every key
and has never accepted one, the worker ends, since the configuration is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from inngest.connect._internal.effects import Start
from inngest.connect._internal.errors import ConnectAuthenticationError
from inngest.connect._internal.timing import with_jitter
from inngest.connect._internal.wire import connect_pb2 as wire

MAX_REJECTIONS: Final = 3
"""Rounds through all keys before a worker whose keys were never accepted ends."""


class Connector:
    """Schedules connection attempts, one at a time. Each ends when a gateway is ready, or fails."""

    def __init__(
        self, authorizations: Sequence[str], delays: Sequence[float], random: Callable[[], float]
    ) -> None:
        self._authorizations = tuple(authorizations)
        self._delays, self._random = tuple(delays), random
        self._key = self._failures = self._rejections = 0
        self._was_accepted = False
        self._excluded: dict[str, None] = {}
        self.is_connecting = False
        self.due: float | None = None

    @property
    def authorization(self) -> str | None:
        """The ``authorization`` header for API requests; ``None`` in dev mode."""
        return self._authorizations[self._key] if self._authorizations else None

    @property
    def excluded(self) -> list[str]:
        """The gateway groups to exclude from the next attempt."""
        return list(self._excluded)

    @property
    def is_pending(self) -> bool:
        """Whether an attempt is in progress or scheduled."""
        return self.is_connecting or self.due is not None

    def request(self, now: float) -> None:
        """Schedule an attempt now, unless one is in progress or scheduled."""
        if not self.is_pending:
            self.due = now

    def cancel(self) -> None:
        """Cancel the attempt: no connection is needed any more."""
        self.is_connecting, self.due = False, None

    def begin(self, now: float) -> Start | None:
        """Begin the scheduled attempt, if it is due; return the API request to make."""
        if self.is_connecting or self.due is None or self.due > now:
            return None
        self.is_connecting, self.due = True, None
        request = wire.StartRequest(exclude_gateways=self.excluded)
        return Start(request.SerializeToString(), self.authorization)

    def failed(self, now: float, retry_after: float = 0.0) -> float:
        """Schedule the next attempt with backoff; return the delay in seconds."""
        delay = with_jitter(
            self._delays[min(self._failures, len(self._delays) - 1)], self._random()
        )
        delay += retry_after  # still with jitter: many workers may have received the same value
        self._failures += 1
        self.is_connecting, self.due = False, now + delay
        return delay

    def refused(self, now: float, status: int) -> ConnectAuthenticationError | None:
        """Switch keys after the API rejected one.

        :returns: an error if all keys were rejected several times and none was ever accepted.
        """
        keys = max(len(self._authorizations), 1)
        self.switch_key()
        self._rejections += 1
        if not self._was_accepted and self._rejections >= MAX_REJECTIONS * keys:
            self.cancel()
            return self._authentication_error(status)
        if self._rejections % keys:
            self.is_connecting, self.due = False, now
        else:
            self.failed(now)
        return None

    def switch_key(self) -> None:
        """Switch to the other key."""
        self._key = (self._key + 1) % max(len(self._authorizations), 1)

    def accepted(self) -> None:
        """Record that the API accepted the key."""
        self._was_accepted, self._rejections = True, 0

    def exclude(self, group: str) -> None:
        """Exclude a gateway group until a connection is ready."""
        if group:
            self._excluded[group] = None

    def include_all(self) -> None:
        """Exclude no gateways any more."""
        self._excluded.clear()

    def proved_stable(self) -> None:
        """Reset the backoff: a connection proved stable."""
        self._failures = 0

    def replace_draining(self, now: float) -> None:
        """Replace a draining gateway: at once, or with backoff if its connection was unstable."""
        if self._failures:
            self.failed(now)
        else:
            self._failures = 1
            self.request(now)

    def connected(self) -> None:
        """End the attempt: a connection is ready. The backoff remains until it proves stable."""
        self.is_connecting, self.due = False, None
        self.include_all()

    def _authentication_error(self, status: int) -> ConnectAuthenticationError:
        if self._authorizations:
            return ConnectAuthenticationError(
                f"the Inngest server rejected the signing key (status {status}): check "
                "INNGEST_SIGNING_KEY, INNGEST_SIGNING_KEY_FALLBACK and INNGEST_ENV"
            )
        return ConnectAuthenticationError(
            f"the Inngest server requires a signing key (status {status}), but none is sent in dev "
            "mode: leave INNGEST_DEV unset, and set INNGEST_SIGNING_KEY"
        )
