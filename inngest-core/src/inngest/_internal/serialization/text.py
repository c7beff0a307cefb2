"""Encode values as strict JSON text: no NaN, no pickle, no implicit conversions."""

from __future__ import annotations

import json
import re
from inspect import iscoroutine
from typing import Any, Final

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.protocol.canonical import canonicalize

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def to_text(value: object) -> str:
    """Encode ``value`` compactly. Raises what ``json.dumps`` raises."""
    if value is None:
        return "null"
    if type(value) is int:  # faster than the encoder, whose setup dominates for small values
        return str(value)
    return _encode(value)


def to_json_values(value: object) -> Any:
    """Convert types that pydantic knows, such as ``datetime``, ``UUID`` and models, to JSON types.

    :raises Exception: a type is unknown, or a custom serializer of a model raised.
    """
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


_LONG = re.compile(r"[:,\[\s-][0-9]{16}")
"""Matches integers that may exceed 2**53, and possibly parts of strings."""


def as_stored(text: str) -> object:
    """Decode ``text`` as a server returns it: servers treat all numbers as doubles.

    Integers beyond 2**53 thereby lose precision, so live code must see the same values.
    """
    value = json.loads(text)
    if _LONG.search("," + text) is None:
        return value
    try:
        return json.loads(canonicalize(value))
    except (ValueError, RecursionError):  # out of the range of doubles: the server rejects it
        return value


ANNOTATE: Final = (
    "; annotate the handler with the type that it returns, by a name that its module can see, "
    "or pass output_type"
)


def encode(value: object, what: str, *, advice: str = ANNOTATE) -> str | OutputUnserializableError:
    """Encode ``value`` as JSON text.

    :param what: names the value in errors, which never quote it.
    :param advice: what to do about a value that is not JSON; the default is for outputs.
    """
    try:
        return to_text(value)
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"it is not JSON{advice}"
        if isinstance(error, RecursionError) or "Circular" in str(error):
            reason = "it is nested too deeply, or contains itself"
        elif "Out of range float" in str(error):
            reason = "JSON has no NaN or Infinity"
        elif iscoroutine(value):
            value.close()  # avoids the warning that it was never awaited
            reason = "it was not awaited"
        return OutputUnserializableError(
            f"{what}: a value of type {type(value).__name__} cannot be stored: {reason}"
        )


__all__ = ["as_stored", "encode", "to_json_values", "to_text"]
