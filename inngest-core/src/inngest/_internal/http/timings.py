"""Measure the parts of a call, for the ``Server-Timing`` header."""

from __future__ import annotations

import time
from collections.abc import Iterable


class Timings:
    """Splits a call into consecutive parts."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, float]] = []
        """Names and durations in seconds, in order."""
        self._last_end = time.perf_counter()

    def end(self, part: str) -> None:
        """End the part that began with the call or at the end of the last part."""
        now = time.perf_counter()
        self.parts.append((part, now - self._last_end))
        self._last_end = now


def server_timing(parts: Iterable[tuple[str, float]]) -> str:
    """Format the header, with durations in whole milliseconds."""
    return ", ".join([f"{part};dur={round(seconds * 1000)}" for part, seconds in parts])


__all__ = ["Timings", "server_timing"]
