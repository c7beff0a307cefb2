"""A worker's life: which state it is in, whether it closes, and its end. Pure."""

from __future__ import annotations

import logging

from inngest.connect._internal.effects import Effects, Enter, Stop
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.state import ConnectionState


class Life:
    """Told of what happens; tells of every new state, and of the end."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self.state = ConnectionState.CLOSED
        self.has_connected = False
        """Whether a gateway has ever been ready: what is refused later is no misconfiguration."""
        self.has_ended = False
        self.closes_by: float | None = None
        """When to end, whatever is under way then; ``None`` while nobody wants it to close."""

    @property
    def is_closing(self) -> bool:
        """Whether no more calls are to come."""
        return self.closes_by is not None

    def begin(self) -> None:
        """It looks for its first gateway."""
        self._enter(ConnectionState.CONNECTING)

    def connected(self) -> None:
        """A gateway is ready. Calls need not come yet."""
        self.has_connected = True

    def activate(self) -> None:
        """Calls come."""
        self._enter(ConnectionState.ACTIVE)

    def reconnect(self) -> None:
        """It looks for another gateway, if it had one."""
        if self.has_connected:
            self._enter(ConnectionState.RECONNECTING)

    def close(self, by: float) -> None:
        """Nothing more is begun."""
        self.closes_by = by
        self._enter(ConnectionState.CLOSING)

    def is_overdue(self, now: float) -> bool:
        """Whether closing has taken too long."""
        return self.closes_by is not None and self.closes_by <= now

    def end(self, error: ConnectError | None) -> None:
        """It is over."""
        self.has_ended = True
        self._enter(ConnectionState.CLOSED)
        level = logging.INFO if error is None else logging.ERROR
        self._effects.log("stopped", level, error=error)
        self._effects.add(Stop(error))

    def _enter(self, state: ConnectionState) -> None:
        if self.state is not state:
            self.state = state
            self._effects.add(Enter(state))
