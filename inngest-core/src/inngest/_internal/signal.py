"""A signal: something for the one run that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from typing_extensions import TypeVar

from inngest._internal.types import JSON

SignalT = TypeVar("SignalT", default=JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Generic[SignalT]):
    """What ``step.wait_for_signal`` has waited for.

    :param name: the signal's name.
    :param data: what was sent with it.
    """

    name: str
    data: SignalT


__all__ = ["Signal"]
