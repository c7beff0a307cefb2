"""The fields of options that hold a length of time: checked when declared, text when sent."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from inngest._internal.duration import to_duration, to_go_duration
from inngest._internal.types import Duration


def _check(value: Any) -> Duration:
    to_duration(value)
    checked: Duration = value
    return checked


# Not pydantic's own reading: a wrong value is told in our words, once and not for each kind.
Time = Annotated[
    Duration,
    pydantic.PlainValidator(_check),
    pydantic.PlainSerializer(to_duration, return_type=str),
]
"""At least a second, in whole seconds."""

GoTime = Annotated[
    Duration,
    pydantic.PlainValidator(_check),
    pydantic.PlainSerializer(to_go_duration, return_type=str),
]
"""The same, for fields that the server reads without days and weeks."""

__all__ = ["GoTime", "Time"]
