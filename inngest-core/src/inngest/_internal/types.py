"""Types that many packages share, without behaviour."""

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
"""Any JSON value."""

Duration = int | datetime.timedelta | str
"""A length of time: ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""

Deadline = Duration | datetime.datetime
"""A length of time from now, or an instant. A naive ``datetime`` is local time."""


class Unset(enum.Enum):
    """The default of arguments for which ``None`` has a meaning."""

    UNSET = enum.auto()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Literal[Unset.UNSET] = Unset.UNSET


class ServerKind(str, enum.Enum):
    """The kind of Inngest server."""

    CLOUD = "cloud"
    DEV_SERVER = "dev"

    @property
    def label(self) -> str:
        """The name for people."""
        return "Cloud" if self is ServerKind.CLOUD else "Dev Server"

    @property
    def one(self) -> str:
        """The name with an article, for use within a sentence."""
        return "Cloud" if self is ServerKind.CLOUD else "a Dev Server"


__all__ = ["JSON", "UNSET", "Deadline", "Duration", "Mapping", "Sequence", "ServerKind", "Unset"]
