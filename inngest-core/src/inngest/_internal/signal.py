"""A signal: data sent to the one run that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from typing_extensions import TypeVar

from inngest._internal.types import JSON

SignalT = TypeVar("SignalT", default=JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Generic[SignalT]):
    """The result of ``step.wait_for_signal``.

    :param name: the signal's name.
    :param data: the data that was sent with it.
    """

    name: str
    data: SignalT


__all__ = ["Signal"]
