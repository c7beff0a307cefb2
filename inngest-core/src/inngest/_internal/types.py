"""Types that many rooms share. No behaviour."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Literal

from typing_extensions import TypeAliasType

JSON = TypeAliasType(
    "JSON",
    "bool | int | float | str | Mapping[str, object] | Sequence[object] | None",
)
"""Anything that JSON can say."""

Duration = int | datetime.timedelta | str
"""A length of time: ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""

Deadline = Duration | datetime.datetime
"""A length of time from now, or an instant. A naive ``datetime`` is local time."""


class Unset(enum.Enum):
    """Stands for an argument that was not given, where ``None`` has a meaning."""

    UNSET = enum.auto()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Literal[Unset.UNSET] = Unset.UNSET


class ServerKind(str, enum.Enum):
    """Which Inngest server is spoken to."""

    CLOUD = "cloud"
    DEV_SERVER = "dev"

    @property
    def label(self) -> str:
        """The name that people use."""
        return "Cloud" if self is ServerKind.CLOUD else "Dev Server"

    @property
    def one(self) -> str:
        """One of this kind, within a sentence."""
        return "Cloud" if self is ServerKind.CLOUD else "a Dev Server"


__all__ = ["JSON", "UNSET", "Deadline", "Duration", "Mapping", "Sequence", "ServerKind", "Unset"]
