"""Lengths of time: milliseconds or ``timedelta`` in, what a server reads out."""

from __future__ import annotations

import datetime

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.types import Duration

_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_GO_UNITS = _UNITS[2:]


def milliseconds(value: Duration) -> int:
    """Return ``value`` in whole milliseconds."""
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    return value


def to_duration(value: Duration) -> str:
    """Return ``value`` in the largest unit that divides it: ``90000`` is ``90s``.

    :raises FunctionConfigInvalidError: ``value`` is under a second, or not whole seconds.
    """
    return _format(value, _UNITS)


def to_go_duration(value: Duration) -> str:
    """Return ``value`` without days and weeks, which some fields do not know."""
    return _format(value, _GO_UNITS)


def _format(value: Duration, units: tuple[tuple[str, int], ...]) -> str:
    seconds = _seconds(value)
    for suffix, size in units:
        if seconds % size == 0:
            return f"{seconds // size}{suffix}"
    raise AssertionError("a second divides whole seconds")


def _seconds(value: Duration) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, datetime.timedelta)):
        raise FunctionConfigInvalidError("a duration is a timedelta or an int of milliseconds")
    length = (
        value
        if isinstance(value, datetime.timedelta)
        else datetime.timedelta(milliseconds=1) * min(value, 10**14)
    )
    seconds, rest = divmod(length, datetime.timedelta(seconds=1))
    if seconds < 1 or rest:
        raise FunctionConfigInvalidError(
            "a duration must be at least one second and a whole number of seconds "
            "(an int counts milliseconds)"
        )
    return seconds
