"""Values to JSON text, strictly: no NaN, no pickle, no guessing."""

from __future__ import annotations

import json
import re
from inspect import iscoroutine
from typing import Any, Final

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.protocol.canonical import canonicalize

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def to_text(value: object) -> str:
    """Write JSON compactly. Raises what ``json.dumps`` raises."""
    if value is None:
        return "null"
    if type(value) is int:  # the encoder takes as long to begin as for all of a small value
        return str(value)
    return _encode(value)


def to_json_values(value: object) -> Any:
    """Write what pydantic knows how to, such as a ``datetime``, a ``UUID`` or a model, as JSON.

    :raises Exception: it does not know how to, or a serializer of the user's raised.
    """
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


_LONG = re.compile(r"[:,\[\s-][0-9]{16}")
"""What an integer beyond 2**53 and the mark before it look like; parts of texts may, too."""


def as_stored(text: str) -> object:
    """Read JSON as it comes back from a server, to which every number is a double.

    An integer beyond 2**53 is another one then; it is to be so in the code that goes on, too.
    """
    value = json.loads(text)
    if _LONG.search("," + text) is None:
        return value
    try:
        return json.loads(canonicalize(value))
    except (ValueError, RecursionError):  # beyond doubles: a server refuses it
        return value


ANNOTATE: Final = (
    "; annotate the handler with the type that it returns, by a name that its module can see, "
    "or pass output_type"
)


def encode(value: object, what: str, *, advice: str = ANNOTATE) -> str | OutputUnserializableError:
    """Encode ``value`` as JSON text.

    :param what: names it in the error, which never quotes it.
    :param advice: what to do about a value that is no JSON; by default for an output.
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
            value.close()  # nobody else can await it
            reason = "it was not awaited"
        return OutputUnserializableError(
            f"{what} gave a value of type {type(value).__name__} that cannot be stored: {reason}"
        )


__all__ = ["as_stored", "encode", "to_json_values", "to_text"]
