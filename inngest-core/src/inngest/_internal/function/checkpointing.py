"""How long one call goes on by itself, recording steps as it goes. PROTOCOL section 15."""

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
    """Let a call run many steps: each is recorded by a small request of its own.

    Without it the server calls the app anew for each step.

    :param buffered_steps: record when so many steps are done. With more than one, steps
        that are not recorded yet run again if the process dies.
    :param max_interval: record at the latest after this time, when a step ends.
    :param max_runtime: let the server call anew after this time; keep it below what your
        web server and its proxies allow for a request.
    """

    buffered_steps: int = Field(default=1, ge=1, serialization_alias="batch_steps")
    max_interval: Time | None = Field(default=None, serialization_alias="batch_interval")
    max_runtime: Time = datetime.timedelta(seconds=10)


def read(given: object) -> Checkpointing | bool | None:
    """What a caller said, who may give the fields in a dictionary.

    :raises FunctionConfigInvalidError: it says nothing of checkpointing.
    """
    if isinstance(given, Mapping):
        return Checkpointing(**given)
    if given is None or isinstance(given, (Checkpointing, bool)):
        return given
    raise FunctionConfigInvalidError(
        f"checkpointing: must be an inngest.Checkpointing, True or False, not {kind_of(given)}"
    )


def chosen(*choices: Checkpointing | bool | None) -> Checkpointing | None:
    """What the first choice says that says anything; by default it is on."""
    for choice in choices:
        if choice is None:
            continue
        if isinstance(choice, Checkpointing):
            return choice
        return by_default() if choice else None
    return by_default()


@lru_cache(maxsize=1)
def by_default() -> Checkpointing:
    """What holds where nobody says anything."""
    return Checkpointing()


__all__ = ["Checkpointing", "by_default", "chosen", "read"]
