from __future__ import annotations

from inngest.connect._internal.calls import MOST_REMEMBERED, Calls
from inngest.connect._internal.conftest import call_of


def test_answered_calls_are_remembered_but_not_for_ever() -> None:
    calls = Calls(None)
    for index in range(MOST_REMEMBERED + 10):
        calls.take(call_of(f"r{index}"), 1)
        calls.startable()
        calls.answered(f"r{index}")
    assert not calls.was_answered("r0")
    assert calls.was_answered(f"r{MOST_REMEMBERED + 9}")
    assert calls.running == 0 and len(calls) == 0
