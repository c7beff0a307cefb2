from __future__ import annotations

from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.waiters import Waiters


def test_a_worker_that_has_ended_enters_no_other_state() -> None:
    """What its thread has yet to tell may come later, when the end was cancelled twice."""
    waiters = Waiters(ConnectionState.CONNECTING)
    waiters.end(None)
    waiters.enter(ConnectionState.ACTIVE)
    assert waiters.state is ConnectionState.CLOSED
