"""How long each part of a call took, for the Server-Timing header."""

from __future__ import annotations

import time
from collections.abc import Mapping


class Measured:
    """A block whose time counts. Not a generator: every call of a function has three."""

    __slots__ = ("_milliseconds", "_part", "_started")

    def __init__(self, milliseconds: dict[str, int], part: str) -> None:
        self._milliseconds = milliseconds
        self._part = part

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        passed = time.perf_counter() - self._started
        self._milliseconds[self._part] = round(passed * 1000)


class Timings:
    """Measures parts of one call, each once."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, int] = {}
        """The parts in the order in which they ended."""

    def measure(self, part: str) -> Measured:
        """Take the time of a ``with`` block."""
        return Measured(self.milliseconds, part)


def server_timing(milliseconds: Mapping[str, int]) -> str:
    """Return the value of the header."""
    return ", ".join([f"{part};dur={duration}" for part, duration in milliseconds.items()])


__all__ = ["Timings", "server_timing"]
