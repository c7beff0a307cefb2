"""Checkpointing: run many steps in one call, and record each on the server. PROTOCOL section 15."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import lru_cache

from pydantic import Field

from inngest._internal.checks import kind_of
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.times import Time
from inngest._internal.model import BaseModel


class Checkpointing(BaseModel):
    """Let one call run many steps; each is recorded by a small request to the server.

    Without it, the server calls the app again for each step.

    :param buffered_steps: the number of finished steps to record at once, at least 1. If it is
        more, steps that are not yet recorded run again when the process dies.
    :param max_interval: how long a finished step may remain unrecorded; checked when a step ends.
    :param max_runtime: end the call after this time, to be called again. Keep it below the request
        timeouts of your web server and its proxies.
    """

    buffered_steps: int = Field(default=1, ge=1, serialization_alias="batch_steps")
    max_interval: Time | None = Field(default=None, serialization_alias="batch_interval")
    max_runtime: Time = datetime.timedelta(seconds=10)


def read(given: object) -> Checkpointing | bool | None:
    """Validate the option ``checkpointing``, which may be a dictionary of fields.

    :raises FunctionConfigInvalidError: it is of another type, or a field is invalid.
    """
    if isinstance(given, Mapping):
        return Checkpointing(**given)
    if given is None or isinstance(given, (Checkpointing, bool)):
        return given
    raise FunctionConfigInvalidError(
        f"checkpointing: must be an inngest.Checkpointing, True or False, not {kind_of(given)}"
    )


def effective(*choices: Checkpointing | bool | None) -> Checkpointing | None:
    """Return the first setting that is not ``None``; checkpointing is on by default."""
    for choice in choices:
        if choice is None:
            continue
        if isinstance(choice, Checkpointing):
            return choice
        return default() if choice else None
    return default()


@lru_cache(maxsize=1)
def default() -> Checkpointing:
    """Return the default settings."""
    return Checkpointing()


__all__ = ["Checkpointing", "default", "effective", "read"]
