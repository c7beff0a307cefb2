"""When the cell rate algorithm lets one by."""

from __future__ import annotations

from inngest.dev._internal.flow_control.gcra import Allowed, Denied, conform


def admitted(moments: list[int], *, limit: int, period: int, burst: int) -> list[int]:
    arrival, found = None, []
    for now in moments:
        verdict = conform(arrival, now, limit=limit, period=period, burst=burst)
        if isinstance(verdict, Allowed):
            arrival = verdict.arrival
            found.append(now)
    return found


def test_without_a_burst_one_comes_each_interval() -> None:
    quick = [0, 1, 2, 3, 2499, 2500, 2501, 5000]
    assert admitted(quick, limit=2, period=5000, burst=0) == [0, 2500, 5000]


def test_a_burst_lets_more_by_at_once_and_fills_up_again() -> None:
    assert admitted([0, 0, 0, 0, 3000, 3000], limit=1, period=3000, burst=2) == [0, 0, 0, 3000]
    assert admitted([0] * 4 + [60_000] * 4, limit=1, period=3000, burst=2) == [0] * 3 + [60_000] * 3


def test_who_is_denied_is_told_when_to_come_back() -> None:
    first = conform(None, 1000, limit=1, period=3000, burst=0)
    assert first == Allowed(arrival=4000)
    assert conform(4000, 1001, limit=1, period=3000, burst=0) == Denied(retry_at=4000)
    assert conform(4000, 4000, limit=1, period=3000, burst=0) == Allowed(arrival=7000)
