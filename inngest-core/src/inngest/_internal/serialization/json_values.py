"""The data of events as JSON values: what is none is converted, or named by where it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from inngest._internal.errors import BodyInvalidError
from inngest._internal.serialization.text import to_json_values

SCALARS: Final = frozenset({str, int, bool, type(None)})
"""The types of values that are JSON by themselves, whatever they are."""


def as_json(value: object, path: str) -> object:
    """Return ``value`` as JSON values: itself, if it is made of them.

    :param path: names it in an error, as in ``data``.
    :raises BodyInvalidError: it holds something that is not JSON.
    """
    try:
        return value if _is_json(value) else _converted(_decimals_as_numbers(value), path)
    except RecursionError:
        raise BodyInvalidError(f"{path}: nested too deeply") from None


def _is_json(value: object) -> bool:
    """Whether ``value`` is made of what JSON is read as, down to the last: nearly always."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not (type(item) in SCALARS or _is_json(item)):
                return False
        return True
    if kind is list:
        return all(map(_is_json, value))  # type: ignore[call-overload]
    return kind in SCALARS or (kind is float and math.isfinite(value))  # type: ignore[arg-type]


def _converted(value: object, path: str) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BodyInvalidError(f"{path}: JSON has neither NaN nor infinity")
        return value
    if isinstance(value, (list, tuple)):
        return [_converted(item, f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, path): _converted(item, f"{path}.{key}") for key, item in value.items()}
    return _converted(_written(value, path), path)


def _key(key: object, path: str) -> str:
    if isinstance(key, str):
        return key
    try:
        (written,) = to_json_values({key: None})
    except Exception:
        raise BodyInvalidError(f"{path}: a {type(key).__name__} is no key of JSON") from None
    return str(written)


def _written(value: object, path: str) -> Any:
    try:
        return to_json_values(value)
    except Exception:
        refusal = f"{path}: a {type(value).__name__} is not JSON; convert it first"
        raise BodyInvalidError(refusal) from None


def _decimals_as_numbers(data: object) -> object:
    """A ``Decimal`` is a number where ``JSON`` is asked for; within, it is text that is exact."""
    if type(data) is not dict or all(type(item) is not Decimal for item in data.values()):
        return data
    return {key: float(item) if type(item) is Decimal else item for key, item in data.items()}


__all__ = ["SCALARS", "as_json"]
