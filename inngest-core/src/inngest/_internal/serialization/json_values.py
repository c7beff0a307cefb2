"""Convert event data to JSON types; errors name the path of a value that cannot be converted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from inngest._internal.errors import BodyInvalidError
from inngest._internal.serialization.text import to_json_values

SCALARS: Final = frozenset({str, int, bool, type(None)})
"""The types whose values are always JSON."""


def as_json(value: object, path: str) -> object:
    """Return ``value`` as JSON types; the same object if no conversion is necessary.

    :param path: the value's name in errors, for example ``data``.
    :raises BodyInvalidError: a value cannot be converted.
    """
    try:
        return value if _is_json(value) else _convert(_decimals_as_numbers(value), path)
    except RecursionError:
        raise BodyInvalidError(f"{path}: nested too deeply") from None


def _is_json(value: object) -> bool:
    """Return whether ``value`` consists of JSON types throughout: the common case."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not (type(item) in SCALARS or _is_json(item)):
                return False
        return True
    if kind is list:
        return all(map(_is_json, value))  # type: ignore[call-overload]
    return kind in SCALARS or (kind is float and math.isfinite(value))  # type: ignore[arg-type]


def _convert(value: object, path: str) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BodyInvalidError(f"{path}: JSON has neither NaN nor infinity")
        return value
    if isinstance(value, (list, tuple)):
        return [_convert(item, f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, path): _convert(item, f"{path}.{key}") for key, item in value.items()}
    return _convert(_encode(value, path), path)


def _key(key: object, path: str) -> str:
    if isinstance(key, str):
        return key
    try:
        (text,) = to_json_values({key: None})
    except Exception:
        raise BodyInvalidError(f"{path}: a {type(key).__name__} cannot be a JSON key") from None
    return str(text)


def _encode(value: object, path: str) -> Any:
    try:
        return to_json_values(value)
    except Exception:
        refusal = f"{path}: a {type(value).__name__} is not JSON; convert it first"
        raise BodyInvalidError(refusal) from None


def _decimals_as_numbers(data: object) -> object:
    """Convert top-level ``Decimal`` values to numbers, like pydantic; nested ones become text."""
    if type(data) is not dict or all(type(item) is not Decimal for item in data.values()):
        return data
    return {key: float(item) if type(item) is Decimal else item for key, item in data.items()}


__all__ = ["SCALARS", "as_json"]
