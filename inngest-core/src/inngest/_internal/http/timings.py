"""How long each part of a call took, for the Server-Timing header."""

from __future__ import annotations

import time


class Timings:
    """Splits the time of one call into parts, each of which begins where the last one ended."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        """Entries of the header, in the order in which the parts ended."""
        self._last_end = time.perf_counter()

    def end(self, part: str) -> None:
        """Note that ``part`` ends now."""
        now = time.perf_counter()
        self.parts.append(entry(part, now - self._last_end))
        self._last_end = now


def entry(part: str, seconds: float) -> str:
    """Say how long ``part`` took, in whole milliseconds."""
    return f"{part};dur={round(seconds * 1000)}"


__all__ = ["Timings", "entry"]
