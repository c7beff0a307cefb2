"""Parse and format durations and instants. All such conversions are in this module."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

from inngest._internal.types import Duration

LONGEST = datetime.timedelta(days=366 * 1000)
"""No field accepts more, and arithmetic on datetimes would overflow beyond it."""

_MILLISECOND = datetime.timedelta(milliseconds=1)
_SECOND = datetime.timedelta(seconds=1)
_UNITS = {
    "w": datetime.timedelta(weeks=1),
    "d": datetime.timedelta(days=1),
    "h": datetime.timedelta(hours=1),
    "m": datetime.timedelta(minutes=1),
    "s": _SECOND,
    "ms": _MILLISECOND,
}
_GO_UNITS = ("h", "m", "s")
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(ms|[wdhms])", re.ASCII)


def to_timedelta(value: Duration) -> datetime.timedelta:
    """Convert ``value`` to a ``timedelta``.

    :raises ValueError: ``value`` is not a duration. The message does not name the argument.
    """
    if isinstance(value, datetime.timedelta):
        length = value
    elif isinstance(value, str):
        length = _parse(value)
    elif type(value) is int:  # not isinstance(): a bool is an int
        length = _MILLISECOND * max(-(10**16), min(value, 10**16))
    else:
        raise ValueError(
            "a duration is a timedelta, an int of milliseconds or text such as 1h30m, "
            f"not a {type(value).__name__}"
        )
    if not -LONGEST <= length <= LONGEST:
        raise ValueError("a duration is at most a thousand years")
    return length


def milliseconds(value: Duration) -> int:
    """Return ``value`` in whole milliseconds, rounded down.

    :raises ValueError: ``value`` is not a duration.
    """
    if type(value) is datetime.timedelta:
        return _milliseconds(value)  # cached, as each replay of a sleep gets here
    return to_timedelta(value) // _MILLISECOND


@lru_cache(maxsize=1024)
def _milliseconds(value: datetime.timedelta) -> int:
    return to_timedelta(value) // _MILLISECOND


def in_utc(when: datetime.datetime) -> datetime.datetime:
    """Convert a datetime to UTC; a naive one is local time.

    :raises ValueError: the system cannot convert local time of that date (on Windows, before
        1970 and after 3000).
    """
    try:
        return when.astimezone(datetime.timezone.utc)
    except (OSError, OverflowError) as error:
        raise ValueError(f"{when} cannot be converted to UTC; give it a time zone") from error


def seconds(value: Duration) -> float:
    """Return ``value`` in seconds.

    :raises ValueError: ``value`` is not a duration.
    """
    return to_timedelta(value).total_seconds()


def to_duration(value: Duration) -> str:
    """Format ``value`` in the largest unit that divides it: ``90000`` is ``90s``.

    :raises ValueError: ``value`` is less than a second, or not a whole number of seconds.
    """
    return _format(value, tuple(_UNITS))


def to_go_duration(value: Duration) -> str:
    """Format ``value`` without days and weeks, which Go's ``time.ParseDuration`` rejects.

    :raises ValueError: ``value`` is less than a second, or not a whole number of seconds.
    """
    return _format(value, _GO_UNITS)


@lru_cache(maxsize=1024)
def _parse(text: str) -> datetime.timedelta:
    parts = _PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(
            "the text of a duration is made of numbers with the units w, d, h, m, s and ms, "
            "such as 1h30m"
        )
    try:
        return sum((float(n) * _UNITS[unit] for n, unit in parts), datetime.timedelta())
    except OverflowError:
        raise ValueError("a duration is at most a thousand years") from None


def _format(value: Duration, units: tuple[str, ...]) -> str:
    length = to_timedelta(value)
    if length < _SECOND or length % _SECOND:
        raise ValueError(
            "a duration must be at least one second and a whole number of seconds "
            "(an int counts milliseconds)"
        )
    unit = next(unit for unit in units if not length % _UNITS[unit])
    return f"{length // _UNITS[unit]}{unit}"


__all__ = ["in_utc", "milliseconds", "seconds", "to_duration", "to_go_duration", "to_timedelta"]
