"""Ids are the same for the same part of a run, and of no other."""

from __future__ import annotations

from inngest.otel._ids import request_ids, run_ids, started_at, step_ids

RUN = "01M82Z8TQF5P7WKWDEZSJN5F1D"


def test_the_same_part_of_a_run_has_the_same_id() -> None:
    assert step_ids(RUN, "ab", 0) == step_ids(RUN, "ab", 0)
    assert run_ids(RUN) == run_ids(RUN)
    assert run_ids(RUN).trace_id == step_ids(RUN, "ab", 1).trace_id


def test_no_two_parts_have_one_id() -> None:
    parts = [
        run_ids(RUN),
        run_ids("other"),
        request_ids(RUN, "r", 0),
        request_ids(RUN, "r", 1),
        step_ids(RUN, "r", 0),
        step_ids(RUN, "r", 1),
        step_ids("other", "r", 0),
        step_ids(RUN, "\ud800", 0),
    ]
    assert len({part.span_id for part in parts}) == len(parts)
    assert all(0 < part.span_id < 2**64 and 0 < part.trace_id < 2**128 for part in parts)


def test_a_run_says_when_it_was_started() -> None:
    """The event of this recorded run was sent at 1795396233907 ms."""
    started = started_at(RUN)
    assert started is not None
    assert 0 <= started // 10**6 - 1_795_396_233_907 < 1000
    for odd in ("", "run", "01M82Z8TQF5P7WKWDEZSJN5F1", "01M82Z8TQF5P7WKWDEZSJN5F1U", "x" * 26):
        assert started_at(odd) is None
