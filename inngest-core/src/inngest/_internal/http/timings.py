"""How long each part of a call took, for the Server-Timing header."""

from __future__ import annotations

import time
from collections.abc import Iterable


class Timings:
    """Splits the time of one call into parts, each of which begins where the last one ended."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, float]] = []
        """Names and seconds, in the order in which the parts ended."""
        self._last_end = time.perf_counter()

    def end(self, part: str) -> None:
        """Note that ``part`` ends now."""
        now = time.perf_counter()
        self.parts.append((part, now - self._last_end))
        self._last_end = now


def written(parts: Iterable[tuple[str, float]]) -> str:
    """The header: names, and how many whole milliseconds each took."""
    return ", ".join([f"{part};dur={round(seconds * 1000)}" for part, seconds in parts])


__all__ = ["Timings", "written"]
