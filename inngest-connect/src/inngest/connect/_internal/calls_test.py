from __future__ import annotations

from inngest.connect._internal.calls import MAX_REMEMBERED, Calls
from inngest.connect._internal.conftest import call_of


def test_a_limited_number_of_finished_calls_is_remembered() -> None:
    calls = Calls(None)
    for index in range(MAX_REMEMBERED + 10):
        calls.add(call_of(f"r{index}"), 1)
        calls.start_waiting()
        calls.finish(f"r{index}")
    assert not calls.has_finished("r0")
    assert calls.has_finished(f"r{MAX_REMEMBERED + 9}")
    assert calls.running == 0 and len(calls) == 0
