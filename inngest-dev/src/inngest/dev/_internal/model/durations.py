"""Parse durations and times from the wire. Return None if they are malformed."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY
LONGEST = 366 * DAY
_MOST = 2**63 / 1e6
"""Milliseconds that Go's durations, nanoseconds in 64 bits, have room for."""
_LONGEST_TEXT = 101
"""The most characters of a duration that is parsed."""

_UNITS = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "ms": 1,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_duration(text: str) -> int | None:
    """Milliseconds of a Go duration (plus d and w)."""
    return None if len(text) > _LONGEST_TEXT else _parsed(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> int | None:
    rest = text.lstrip("+-")
    if rest == "0":
        return 0
    if not rest or len(text) - len(rest) > 1:
        return None
    total, position = 0.0, 0
    for part in _PART.finditer(rest):
        if part.start() != position:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if position != len(rest) or total >= _MOST:
        return None
    return -round(total) if text.startswith("-") else round(total)


def parse_time(text: str) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 time."""
    found = _RFC3339.fullmatch(text.strip())
    if found is None:
        return None
    zone = "+00:00" if found[4] in "Zz" else found[4]
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(timezone.utc)
        fraction = float("0" + found[3]) if found[3] else 0.0
        return round((moment.timestamp() + fraction) * 1000)
    except (ValueError, OverflowError):
        return None


def parse_deadline(text: str, now: int) -> int | None:
    """Milliseconds since the epoch of a duration from now, or of a point in time."""
    duration = parse_duration(text)
    return parse_time(text) if duration is None else now + duration


def parse_retry_after(text: str, now: int) -> int | None:
    """Return the milliseconds of a Retry-After header, clamped to 1 s … 24 h.

    It may be seconds, an RFC 3339 time, or an HTTP date.
    """
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        if len(text) > 7:
            return None
        delay = int(text) * SECOND
    else:
        moment = parse_time(text)
        if moment is None:
            try:
                date = parsedate_to_datetime(text)
                moment = round(date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp() * 1000)
            except (ValueError, TypeError, IndexError, OverflowError):
                return None
        delay = moment - now
    return min(max(delay, SECOND), DAY)


def iso(moment: int | None) -> str | None:
    """RFC 3339 text in UTC."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment / 1000, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
