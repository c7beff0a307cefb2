"""Encode JSON in the canonical form of RFC 8785 (JCS), which servers sign."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

_EXACT = 2**53
"""Integers beyond it are rounded to doubles, as in JavaScript and Go."""


def canonicalize(value: object) -> bytes:
    """Return the canonical encoding of ``value``.

    :raises ValueError: ``value`` contains something that JCS cannot encode: NaN, an infinity, a
        lone surrogate, or an object that is not JSON.
    :raises RecursionError: ``value`` is nested deeper than the interpreter allows.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def _write(value: object, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, (int, float)):
        parts.append(_number(value))
    elif isinstance(value, Mapping):
        _write_object(value, parts)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        mark = "["
        for item in value:
            parts.append(mark)
            _write(item, parts)
            mark = ","
        parts.append("]" if value else "[]")
    else:
        raise ValueError(f"not JSON: {type(value).__name__}")


def _write_object(value: Mapping[object, object], parts: list[str]) -> None:
    mark = "{"
    for key in sorted(value, key=_utf16):
        parts.extend((mark, json.dumps(key, ensure_ascii=False), ":"))
        _write(value[key], parts)
        mark = ","
    parts.append("}" if value else "{}")


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise ValueError("not JSON: a key that is not a string")
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """Format like ECMAScript's ``Number::toString``."""
    if isinstance(value, int) and abs(value) <= _EXACT:
        return int.__repr__(value)
    try:
        double = float(value)
    except OverflowError as err:
        raise ValueError("not JSON: a number beyond doubles") from err
    if not math.isfinite(double):
        raise ValueError("not JSON: a number that is not finite")
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    return sign + _positive(float.__repr__(abs(double)))


def _positive(shortest: str) -> str:
    """Format the shortest digits that round-trip, which Python's ``repr`` returns."""
    mantissa, _, exponent = shortest.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
