"""The functions and methods of expressions. Pure.

Those that know the time (`now` and its kin), `has` and the macros are in `compiler`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from inngest.dev._internal.expressions import pattern
from inngest.dev._internal.expressions.automaton import Automaton
from inngest.dev._internal.expressions.budget import Budget
from inngest.dev._internal.expressions.values import (
    EvaluationError,
    Value,
    from_json,
    int64,
    is_number,
    kind,
)
from inngest.dev._internal.model.durations import parse_duration, parse_time

_LONGEST_NUMBER = 100
"""Characters. To read one takes time that grows with their square."""
_MILLISECONDS = 100_000_000_000
"""Numbers from here on are taken for milliseconds since the epoch, smaller ones for seconds."""


def _size(value: Value) -> int:
    if value is None:
        return 0
    if not isinstance(value, str | bytes | list | dict):
        raise EvaluationError(f"no overload of size({kind(value)})")
    return len(value)


def _string(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case int() | float() | str():
            return str(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():f}".rstrip("0").rstrip(".") + "s"
        case _:
            raise EvaluationError(f"no overload of string({kind(value)})")


def _int(value: Value) -> int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise EvaluationError(f"no overload of int({kind(value)})")
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise EvaluationError("not a number of 64 bits")
    try:
        return int64(int(value))
    except (ValueError, OverflowError) as error:
        raise EvaluationError(str(error)) from error


def _uint(value: Value) -> int:
    number = _int(value)
    if number < 0:
        raise EvaluationError("uint cannot be negative")
    return number


def _double_of(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise EvaluationError(f"no overload of double({kind(value)})")
    try:
        return float(value)
    except ValueError as error:
        raise EvaluationError(str(error)) from error


def _bool(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "TRUE", "t", "1"):
        return True
    if value in ("false", "False", "FALSE", "f", "0"):
        return False
    raise EvaluationError(f"no overload of bool({kind(value)})")


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise EvaluationError(f"{kind(value)} is not a string")
    return value


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode("utf-8", "replace")


def matches(value: Value, expression: Value, budget: Budget) -> bool:
    text, wanted = _text(value), _text(expression)
    budget.spend(len(wanted))
    try:
        automaton = _pattern(wanted)
    except pattern.BadPatternError as error:
        raise EvaluationError(f"bad regular expression: {error}") from error
    budget.spend(automaton.size)  # for compiling it: whether that was just now is not known
    return automaton.finds(text, budget.spend)


@lru_cache(maxsize=128)
def _pattern(text: str) -> Automaton:
    return pattern.read(text)


def _b64decode(value: Value) -> str:
    try:
        return base64.b64decode(_text(value)).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise EvaluationError(str(error)) from error


def _json_parse(value: Value) -> Value:
    try:
        parsed = json.loads(_text(value))
    except (ValueError, RecursionError) as error:
        raise EvaluationError(str(error)) from error
    if not isinstance(parsed, dict):
        raise EvaluationError("json_parse takes the text of an object")
    return from_json(parsed)


def date(value: Value) -> datetime:
    if isinstance(value, datetime):
        return value
    moment: float | None = None
    if isinstance(value, str):
        moment = parse_time(value if len(value) > 10 else f"{value}T00:00:00Z")
    elif is_number(value):
        moment = value if abs(value) >= _MILLISECONDS else value * 1000
    if moment is None:
        raise EvaluationError(f"cannot read a date from {kind(value)}")
    try:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=moment)
    except (OverflowError, ValueError) as error:
        raise EvaluationError(str(error)) from error


def duration(value: Value) -> timedelta:
    milliseconds = None if isinstance(value, timedelta) else parse_duration(_text(value))
    if isinstance(value, timedelta):
        return value
    if milliseconds is None:
        raise EvaluationError(f"cannot read the duration {value!r}")
    return timedelta(milliseconds=milliseconds)


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Value]]] = {
    "b64decode": (1, _b64decode),
    "bool": (1, _bool),
    "bytes": (1, _bytes),
    "date": (1, date),
    "double": (1, _double_of),
    "duration": (1, duration),
    "int": (1, _int),
    "json_parse": (1, _json_parse),
    "lowercase": (1, lambda s: _text(s).lower()),
    "size": (1, _size),
    "string": (1, _string),
    "timestamp": (1, date),
    "type": (1, kind),
    "uint": (1, _uint),
    "uppercase": (1, lambda s: _text(s).upper()),
}
"""Number of arguments, and implementation."""

METHODS: Mapping[str, tuple[int, Callable[..., Value]]] = {
    "contains": (2, lambda s, part: _text(part) in _text(s)),
    "endsWith": (2, lambda s, part: _text(s).endswith(_text(part))),
    "size": (1, _size),
    "startsWith": (2, lambda s, part: _text(s).startswith(_text(part))),
    "getDate": (1, lambda t: date(t).day),
    "getDayOfMonth": (1, lambda t: date(t).day - 1),
    "getDayOfWeek": (1, lambda t: date(t).isoweekday() % 7),
    "getDayOfYear": (1, lambda t: date(t).timetuple().tm_yday - 1),
    "getFullYear": (1, lambda t: date(t).year),
    "getHours": (1, lambda t: date(t).hour),
    "getMilliseconds": (1, lambda t: date(t).microsecond // 1000),
    "getMinutes": (1, lambda t: date(t).minute),
    "getMonth": (1, lambda t: date(t).month - 1),
    "getSeconds": (1, lambda t: date(t).second),
}
"""The receiver counts as the first argument.

`matches`, a function and a method, is in neither table: it needs the budget.
"""

WORK: Mapping[str, int] = {"json_parse": 32}
"""How long a function takes, as a multiple of what copying its arguments does, where not once."""
