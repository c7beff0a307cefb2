"""How long the worker waits for what. Seconds; tests bring their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHUTDOWN_SECONDS: Final = 2 * 60 * 60.0
"""As long as the server lets a call take."""

SHORTEST, LONGEST = 0.1, 60.0
"""Intervals that a gateway can ask for: answers need their time, and a dead one must be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Intervals; those of heartbeats and leases are the gateway's once it has named them."""

    reconnect: tuple[float, ...] = (1, 2, 5, 10, 20, 30, 60, 120, 300)
    """Between attempts to connect; the last one repeats. Each is spread by half of itself."""
    request: float = 10.0
    """For a start or flush request."""
    handshake: float = 10.0
    """From opening a socket until the gateway says that it is ready."""
    heartbeat: float = 10.0
    lease: float = 30.0
    ack: float = 5.0
    """Until a reply that was not acknowledged is flushed over HTTP."""
    flush: tuple[float, ...] = (1, 2, 5, 10, 20)
    """Between attempts to flush; the last one repeats."""
    goodbye: float = 2.0
    """For the other side to agree to the end of a connection."""
    shutdown: float = SHUTDOWN_SECONDS
    """For what is under way when the worker is told to close."""


def spread(delay: float, random: float) -> float:
    """Move a delay by up to half of itself, so that workers do not come back together.

    :param random: from 0 to 1.
    """
    return delay * (0.5 + random)


def earliest(*moments: float | None) -> float | None:
    """The first of some moments; ``None`` stands for never."""
    first = None
    for moment in moments:
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def agreed(wanted: str, default: float) -> float:
    """Between one heartbeat, or one lease, and the next: as the gateway says, within reason."""
    return min(max(parse_interval(wanted, 0) or default, SHORTEST), LONGEST)


def parse_interval(text: str, default: float) -> float:
    """Read a gateway's interval such as ``10s``, ``1m30s`` or ``500ms``; ``0s`` is 0."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    seconds, number, unit = 0.0, "", ""
    found = False
    for character in [*text.strip(), "0"]:
        if (character.isdecimal() and character.isascii()) or character == ".":
            if unit:
                if unit not in units:
                    return default
                try:
                    seconds += float(number) * units[unit]
                except ValueError:
                    return default
                found, number, unit = True, "", ""
            number += character
        else:
            unit += character
    return seconds if found and number == "0" and seconds < 24 * 3600 else default
