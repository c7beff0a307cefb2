"""The worker's lifecycle: its state, its shutdown, and its end. Pure."""

from __future__ import annotations

import logging

from inngest.connect._internal.effects import Effects, Enter, Stop
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.state import ConnectionState


class Life:
    """Tracks the lifecycle, and emits an effect for each new state and for the end."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self.state = ConnectionState.CLOSED
        self.has_connected = False
        """Whether a connection was ever ready. If so, a rejection is not a configuration error."""
        self.has_ended = False
        self.close_deadline: float | None = None
        """The deadline of the shutdown; ``None`` before ``close``."""

    @property
    def is_closing(self) -> bool:
        """Whether the worker is shutting down."""
        return self.close_deadline is not None

    def begin(self) -> None:
        """Enter CONNECTING."""
        self._enter(ConnectionState.CONNECTING)

    def connected(self) -> None:
        """Record that a connection is ready. The worker may not accept calls yet."""
        self.has_connected = True

    def activate(self) -> None:
        """Enter ACTIVE: the worker accepts calls."""
        self._enter(ConnectionState.ACTIVE)

    def reconnect(self) -> None:
        """Enter RECONNECTING, unless no connection was ever ready."""
        if self.has_connected:
            self._enter(ConnectionState.RECONNECTING)

    def close(self, by: float) -> None:
        """Enter CLOSING, until ``by`` at the latest."""
        self.close_deadline = by
        self._enter(ConnectionState.CLOSING)

    def is_overdue(self, now: float) -> bool:
        """Return whether the shutdown has exceeded its deadline."""
        return self.close_deadline is not None and self.close_deadline <= now

    def end(self, error: ConnectError | None) -> None:
        """Enter CLOSED, and stop the shell."""
        self.has_ended = True
        self._enter(ConnectionState.CLOSED)
        level = logging.INFO if error is None else logging.ERROR
        self._effects.log("stopped", level, error=error)
        self._effects.add(Stop(error))

    def _enter(self, state: ConnectionState) -> None:
        if self.state is not state:
            self.state = state
            self._effects.add(Enter(state))
