"""The generic cell rate algorithm: one number of state, used by rate limits and throttles. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The cell conforms; `arrival` is the state to keep."""

    arrival: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The cell comes too early: the next one conforms at `retry_at`."""

    retry_at: int


def conform(
    arrival: int | None, now: int, *, limit: int, period: int, burst: int
) -> Allowed | Denied:
    """`limit` cells each `period` ms, one after the other; `burst` more may come at once.

    `arrival` is the theoretical arrival time of the next cell, as an earlier call gave it. One
    that is far too late counts for nothing: the clock was ahead, or the limit was another one.
    """
    interval = max(period // max(limit, 1), 1)
    expected = max(arrival or 0, now)
    if expected - now > 2 * (burst + 1) * interval:
        expected = now
    earliest = expected - burst * interval
    if now < earliest:
        return Denied(retry_at=earliest)
    return Allowed(arrival=expected + interval)
