"""Validate cron expressions as the server does: 5 fields, optionally preceded by ``TZ=<zone>``.

``CRON_TZ=<zone>`` means the same.
"""

from __future__ import annotations

import re

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 6, {name: n for n, name in enumerate(_DAYS)}),
)
_ZONE = re.compile(r"(?:CRON_)?TZ=[A-Za-z][A-Za-z0-9_+\-/]*")
_ITEM = re.compile(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/([0-9]{1,4}))?", re.ASCII)


def cron_problem(text: str) -> str | None:
    """Return what is wrong with ``text``, or ``None``. Time zones are not looked up."""
    words = text.split()
    zone = words.pop(0) if text.lstrip().startswith(("TZ=", "CRON_TZ=")) else None
    if zone is not None and not _ZONE.fullmatch(zone):
        return "the zone before a cron expression has the form TZ=Europe/Paris"
    if len(words) != len(_FIELDS):
        return (
            "a cron expression has 5 fields (minute, hour, day of month, month, day of "
            f"week), not {len(words)}"
        )
    for word, (name, low, high, names) in zip(words, _FIELDS, strict=True):
        if not all(_is_item(item, low, high, names) for item in word.split(",")):
            return f"the {name} of a cron expression is not valid"
    return None


def _is_item(item: str, low: int, high: int, names: dict[str, int]) -> bool:
    match = _ITEM.fullmatch(item)
    if match is None:
        return False
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        return False
    if first is None:
        return True
    start = _value(first, names)
    end = start if last is None else _value(last, names)
    return start is not None and end is not None and low <= start <= end <= high


def _value(text: str, names: dict[str, int]) -> int | None:
    if text.isdigit() and len(text) <= 4:
        return int(text)
    return names.get(text.upper())
