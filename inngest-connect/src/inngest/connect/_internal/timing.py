"""Timeouts and intervals, in seconds. Tests use their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHUTDOWN_SECONDS: Final = 2 * 60 * 60.0
"""The longest that the server lets a call take."""

MIN_INTERVAL, MAX_INTERVAL = 0.1, 60.0
"""The limits for intervals from gateways, which must allow for answers and detect dead peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Timeouts and intervals. A gateway can override ``heartbeat`` and ``lease``."""

    reconnect: tuple[float, ...] = (1, 2, 5, 10, 20, 30, 60, 120, 300)
    """The backoff between connection attempts; the last value repeats. Jitter is added."""
    request: float = 10.0
    """The timeout of an API request, plus time to upload its body."""
    handshake: float = 10.0
    """From opening a socket to CONNECTION_READY."""
    heartbeat: float = 10.0
    lease: float = 30.0
    ack: float = 5.0
    """Until an unacknowledged reply is flushed, and until WORKER_READY despite pending replies."""
    flush: tuple[float, ...] = (1, 2, 5, 10, 20)
    """The backoff between flushes; the last value repeats. Jitter is added."""
    closing: float = 2.0
    """The timeout of a closing handshake, and the grace period for calls sent before WORKER_PAUSE
    was received."""
    shutdown: float = SHUTDOWN_SECONDS
    """The timeout of a shutdown, after which running calls are abandoned."""


def with_jitter(delay: float, random: float) -> float:
    """Scale a delay by 0.5 to 1.5, so that workers do not reconnect at the same time.

    :param random: a number from 0 to 1.
    """
    return delay * (0.5 + random)


def earliest(*moments: float | None) -> float | None:
    """Return the earliest of some times. ``None`` stands for never."""
    first = None
    for moment in moments:
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def effective_interval(wanted: str, default: float) -> float:
    """Return a gateway's interval, or the default, within ``MIN_INTERVAL`` and ``MAX_INTERVAL``."""
    return min(max(parse_interval(wanted, 0) or default, MIN_INTERVAL), MAX_INTERVAL)


def parse_interval(text: str, default: float) -> float:
    """Parse an interval such as ``10s``, ``1m30s`` or ``500ms``; invalid text gives the default."""
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
