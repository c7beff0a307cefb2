from __future__ import annotations

import logging

from inngest.connect._internal.effects import Effects, Enter, Log, Stop
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.life import Life
from inngest.connect._internal.state import ConnectionState


def test_every_state_is_reported_once() -> None:
    effects = Effects()
    life = Life(effects)
    life.begin()
    life.connected()
    for _ in range(2):
        life.activate()
        life.reconnect()
        life.reconnect()
    told = [effect.state.value for effect in effects.take() if isinstance(effect, Enter)]
    assert told == ["CONNECTING", "ACTIVE", "RECONNECTING", "ACTIVE", "RECONNECTING"]


def test_an_end_because_of_an_error_is_logged_as_an_error() -> None:
    for error, level in ((None, logging.INFO), (ConnectError("why"), logging.ERROR)):
        effects = Effects()
        life = Life(effects)
        life.begin()
        effects.take()
        life.end(error)
        assert effects.take() == [
            Enter(ConnectionState.CLOSED),
            Log("stopped", level, {"error": error}),
            Stop(error),
        ]
