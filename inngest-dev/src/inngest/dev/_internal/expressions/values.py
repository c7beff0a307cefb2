"""The values of expressions, and what operators and macros do to them. Pure.

Loosely typed, as the server is: what is missing is null, null counts as the zero value when
it is ordered, numbers of JSON are doubles, and a double does not add up with an int.
What may take long spends its `budget` first.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from inngest.dev._internal.expressions.budget import Budget

Value = Any
"""None, bool, int, float, str, bytes, list, dict, datetime or timedelta."""

MAX_JOINED = 1_000_000
"""Characters, bytes or items of what `+` joins."""
_INT64 = range(-(2**63), 2**63)


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
    if is_number(a) and is_number(b):
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
    if (is_number(a) and is_number(b)) or (type(a) is type(b) and _ordered(a)):
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
    if not isinstance(value, list) or not is_number(key) or math.isnan(key) or key != int(key):
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
    if type(a) is not type(b) or not is_number(a):
        raise EvaluationError(f"no overload of {kind(a)} {sign} {kind(b)}")
    if isinstance(a, float):
        return _double(sign, a, b)
    return int64(_whole(sign, a, b))


def _whole(sign: str, a: int, b: int) -> int:
    if sign == "+":
        return a + b
    if sign == "-":
        return a - b
    if sign == "*":
        return a * b
    if b == 0:
        raise EvaluationError("division by zero")
    is_negative = (a < 0) != (b < 0)
    quotient = abs(a) // abs(b) * (-1 if is_negative else 1)  # towards zero, not as in Python
    return quotient if sign == "/" else a - quotient * b


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
    if not is_number(value):
        raise EvaluationError(f"no overload of -{kind(value)}")
    return -value if isinstance(value, float) else int64(-value)


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


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def int64(value: int) -> int:
    """:raises EvaluationError: it does not fit into 64 bits."""
    if value not in _INT64:
        raise EvaluationError("integer overflow")
    return value


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
