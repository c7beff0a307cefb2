"""How long each part of a call took, for the Server-Timing header."""

from __future__ import annotations

import time
from collections.abc import Mapping


class Measured:
    """A block whose time counts. Not a generator: every call of a function has three."""

    __slots__ = ("_part", "_seconds", "_started")

    def __init__(self, seconds: dict[str, float], part: str) -> None:
        self._seconds = seconds
        self._part = part

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        passed = time.perf_counter() - self._started
        self._seconds[self._part] = self._seconds.get(self._part, 0.0) + passed


class Timings:
    """Measures parts of one call."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def measure(self, part: str) -> Measured:
        """Add the time that passes in a ``with`` block to ``part``."""
        return Measured(self._seconds, part)

    @property
    def milliseconds(self) -> Mapping[str, int]:
        """The parts in the order in which they were first measured."""
        return {part: round(seconds * 1000) for part, seconds in self._seconds.items()}


def server_timing(milliseconds: Mapping[str, int]) -> str:
    """Return the value of the header."""
    return ", ".join([f"{part};dur={duration}" for part, duration in milliseconds.items()])


__all__ = ["Timings", "server_timing"]
