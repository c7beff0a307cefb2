"""How long each part of a call took, for the Server-Timing header."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Timings:
    """Measures parts of one call."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add the time that passes to ``part``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            self._seconds[part] = self._seconds.get(part, 0.0) + passed

    @property
    def milliseconds(self) -> Mapping[str, int]:
        """The parts in the order in which they were first measured."""
        return {part: round(seconds * 1000) for part, seconds in self._seconds.items()}


def server_timing(milliseconds: Mapping[str, int]) -> str:
    """Return the value of the header."""
    return ", ".join(f"{part};dur={duration}" for part, duration in milliseconds.items())


__all__ = ["Timings", "server_timing"]
