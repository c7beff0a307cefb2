"""How long one call goes on by itself, recording steps as it goes. PROTOCOL section 15."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Annotated

import pydantic
from pydantic import Field

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.duration import to_duration
from inngest._internal.model import BaseModel
from inngest._internal.types import Duration


def _check(value: Duration) -> Duration:
    try:
        to_duration(value)
    except FunctionConfigInvalidError as error:
        raise ValueError(error.message) from None
    return value


_Time = Annotated[
    Duration,
    pydantic.AfterValidator(_check),
    pydantic.PlainSerializer(to_duration, return_type=str),
]


class Checkpointing(BaseModel):
    """Let a call run many steps: each is recorded by a small request of its own.

    Without it the server calls the app anew for each step.

    :param buffered_steps: record when so many steps are done. With more than one, steps
        that are not recorded yet run again if the process dies.
    :param max_interval: record at the latest after this time, when a step ends.
    :param max_runtime: let the server call anew after this time; keep it below what your
        web server and its proxies allow for a request.
    """

    buffered_steps: int = Field(default=1, ge=1, serialization_alias="batch_steps")
    max_interval: _Time | None = Field(default=None, serialization_alias="batch_interval")
    max_runtime: _Time = datetime.timedelta(seconds=10)


def seconds(value: Duration) -> float:
    """A duration in seconds."""
    return value / 1000 if isinstance(value, int) else value.total_seconds()


def chosen(*choices: Checkpointing | bool | None) -> Checkpointing | None:
    """What the first choice says that says anything; by default it is on."""
    for choice in choices:
        if isinstance(choice, Checkpointing):
            return choice
        if choice is not None:
            return by_default() if choice else None
    return by_default()


@lru_cache(maxsize=1)
def by_default() -> Checkpointing:
    """What holds where nobody says anything."""
    return Checkpointing()


__all__ = ["Checkpointing", "by_default", "chosen", "seconds"]
