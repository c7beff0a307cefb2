from __future__ import annotations

from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.waiters import Waiters


def test_a_worker_that_has_ended_enters_no_other_state() -> None:
    """If the end is cancelled twice, the thread may report a state later."""
    waiters = Waiters(ConnectionState.CONNECTING)
    waiters.end(None)
    waiters.enter(ConnectionState.ACTIVE)
    assert waiters.state is ConnectionState.CLOSED
