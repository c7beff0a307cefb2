"""Field types for durations: validated when an option is created, encoded as text."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from inngest._internal.duration import to_duration, to_go_duration
from inngest._internal.types import Duration


def _check(value: Any) -> Duration:
    to_duration(value)
    checked: Duration = value
    return checked


# Validated here, as pydantic would report an error for each type of the union.
Time = Annotated[
    Duration,
    pydantic.PlainValidator(_check),
    pydantic.PlainSerializer(to_duration, return_type=str),
]
"""At least a second, and a whole number of seconds."""

GoTime = Annotated[
    Duration,
    pydantic.PlainValidator(_check),
    pydantic.PlainSerializer(to_go_duration, return_type=str),
]
"""Like ``Time``, for fields in which the server does not accept days and weeks."""


__all__ = ["GoTime", "Time"]
