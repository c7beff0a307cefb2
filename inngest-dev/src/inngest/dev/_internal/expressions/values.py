"""What the operators and functions of expressions do to values. Pure.

Loosely typed, as the server is: what is missing is null, null counts as the zero value when
it is ordered, numbers of JSON are doubles, and a double does not add up with an int.
What may take long spends its `budget` first.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from inngest.dev._internal.expressions import pattern
from inngest.dev._internal.expressions.automaton import Automaton
from inngest.dev._internal.expressions.budget import Budget
from inngest.dev._internal.model.durations import parse_duration, parse_time

Value = Any
"""None, bool, int, float, str, bytes, list, dict, datetime or timedelta."""

MAX_JOINED = 1_000_000
"""Characters, bytes or items of what `+` joins."""
_LONGEST_NUMBER = 100
"""Characters. To read one takes time that grows with their square."""
_INT64 = range(-(2**63), 2**63)
_MILLISECONDS = 100_000_000_000
"""Numbers from here on are taken for milliseconds since the epoch, smaller ones for seconds."""


class EvaluationError(Exception):
    """The expression has no value; it then counts as false."""


def from_json(value: Value) -> Value:
    """JSON as expressions see it: every number is a double."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, Mapping):
        return {k: from_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [from_json(v) for v in value]
    return value


def equal(a: Value, b: Value, budget: Budget) -> bool:
    if _number(a) and _number(b):
        return bool(a == b)
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        budget.spend(min(len(a), len(b)))
        pairs = zip(a, b, strict=False)
        return len(a) == len(b) and all(equal(x, y, budget) for x, y in pairs)
    if isinstance(a, dict):
        budget.spend(min(len(a), len(b)))
        return a.keys() == b.keys() and all(equal(v, b[k], budget) for k, v in a.items())
    budget.copy(a)
    return bool(a == b)


def compare(test: Callable[[Value, Value], bool], a: Value, b: Value, budget: Budget) -> bool:
    """`<` and its kin, with null as the zero value of the other side."""
    budget.copy(a)
    if a is None and b is not None:
        a = _zero(b)
    elif b is None and a is not None:
        b = _zero(a)
    if (_number(a) and _number(b)) or (type(a) is type(b) and _ordered(a)):
        return bool(test(a, b))
    raise EvaluationError(f"cannot order {kind(a)} and {kind(b)}")


def within(a: Value, b: Value, budget: Budget) -> bool:
    if not isinstance(b, list | dict):
        raise EvaluationError(f"'in' needs a list or a map, not {kind(b)}")
    budget.spend(len(b))
    return any(equal(a, each, budget) for each in b)


def attribute(value: Value, name: str) -> Value:
    return value.get(name) if isinstance(value, dict) else None


def index(value: Value, key: Value, budget: Budget) -> Value:
    if isinstance(value, dict):
        if isinstance(key, str):
            return value.get(key)
        budget.spend(len(value))
        return next((found for name, found in value.items() if equal(name, key, budget)), None)
    if value is None:
        return None
    if not isinstance(value, list) or not _number(key) or math.isnan(key) or key != int(key):
        raise EvaluationError(f"cannot index {kind(value)} by {kind(key)}")
    if not 0 <= key < len(value):
        raise EvaluationError("index out of range")
    return value[int(key)]


def arithmetic(sign: str, a: Value, b: Value, budget: Budget) -> Value:
    if sign == "+" and type(a) is type(b) and isinstance(a, str | bytes | list):
        budget.copy(a, b)
        if len(a) + len(b) > MAX_JOINED:
            raise EvaluationError(f"the sum is longer than {MAX_JOINED}")
        return a + b
    if isinstance(a, datetime | timedelta):
        return _moved(sign, a, b)
    if type(a) is not type(b) or not _number(a):
        raise EvaluationError(f"no overload of {kind(a)} {sign} {kind(b)}")
    if isinstance(a, float):
        return _double(sign, a, b)
    if sign in "/%" and b == 0:
        raise EvaluationError("division by zero")
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if sign in "/%" else 0
    results = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - quotient * b}
    return _int64(results[sign])


def _double(sign: str, a: float, b: float) -> float:
    if sign == "%":
        raise EvaluationError("no overload of double % double")
    if sign == "/" and b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    operations = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
    return float(operations[sign](a, b))


def _moved(sign: str, a: Value, b: Value) -> Value:
    try:
        if sign == "+" and isinstance(a, datetime) and isinstance(b, timedelta):
            return a + b
        if sign == "+" and isinstance(a, timedelta) and isinstance(b, datetime | timedelta):
            return b + a
        if sign == "-" and isinstance(b, timedelta):
            return a - b
        if sign == "-" and isinstance(a, datetime) and isinstance(b, datetime):
            return a - b
    except (TypeError, OverflowError) as error:
        raise EvaluationError(str(error)) from error
    raise EvaluationError(f"no overload of {kind(a)} {sign} {kind(b)}")


def negative(value: Value) -> Value:
    if not _number(value):
        raise EvaluationError(f"no overload of -{kind(value)}")
    return -value if isinstance(value, float) else _int64(-value)


def boolean(value: Value) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError(f"{kind(value)} is not a boolean")
    return value


def kind(value: Value) -> str:
    names: dict[type, str] = {
        bool: "bool", int: "int", float: "double", str: "string", bytes: "bytes", list: "list",
        dict: "map", datetime: "timestamp", timedelta: "duration",
    }  # fmt: skip
    return names.get(type(value), "null")


def _zero(value: Value) -> Value:
    return type(value)() if _ordered(value) and not isinstance(value, datetime) else None


def _ordered(value: Value) -> bool:
    return isinstance(value, bool | int | float | str | bytes | datetime | timedelta)


def _number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _int64(value: int) -> int:
    if value not in _INT64:
        raise EvaluationError("integer overflow")
    return value


# functions


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
        return _int64(int(value))
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
    budget.spend(automaton.size)  # it may have been made just now
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
    elif _number(value):
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
"""Number of arguments and implementation. Those that know the time are in `cel`."""

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
"""The receiver counts as the first argument. `matches`, which is both, is in `compiler`."""

WORK: Mapping[str, int] = {"json_parse": 32}
"""How many times the work it is to copy them a function has with its arguments, if not once."""


def macro(name: str, items: Value, each: Callable[[Value], Value]) -> Value:
    """all, exists, exists_one, filter, map: `each` is the second argument for one item."""
    if not isinstance(items, list | dict):
        raise EvaluationError(f"{name} needs a list or a map, not {kind(items)}")
    values: Sequence[Value] = list(items)
    match name:
        case "map":
            return [each(v) for v in values]
        case "filter":
            return [v for v in values if boolean(each(v))]
        case "exists_one":
            return sum(boolean(each(v)) for v in values) == 1
        case _:
            wanted, problem = name == "exists", None
            for value in values:
                try:
                    if boolean(each(value)) is wanted:
                        return wanted
                except EvaluationError as error:
                    problem = error
            if problem is not None:
                raise problem
            return not wanted
