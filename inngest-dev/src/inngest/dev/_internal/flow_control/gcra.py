"""The generic cell rate algorithm, for rate limits and throttles; its state is one number. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The cell conforms; `arrival` is the state to keep."""

    arrival: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The cell arrives too early; one conforms at `retry_at`."""

    retry_at: int


def conform(
    arrival: int | None, now: int, *, limit: int, period: int, burst: int
) -> Allowed | Denied:
    """Allow `limit` evenly spaced cells per `period` ms, and `burst` more at once.

    `arrival` is the theoretical arrival time that the last allowed cell returned. One that is far
    too late is ignored: the clock was ahead, or the limit has changed.
    """
    interval = max(period // max(limit, 1), 1)
    expected = max(arrival or 0, now)
    if expected - now > 2 * (burst + 1) * interval:
        expected = now
    earliest = expected - burst * interval
    if now < earliest:
        return Denied(retry_at=earliest)
    return Allowed(arrival=expected + interval)
