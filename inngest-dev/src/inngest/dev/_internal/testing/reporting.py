"""Collect the timelines of the current test's engines, to report if it fails."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import Protocol

LATEST = 20
"""The most runs reported per engine: runs may start each other endlessly."""


class Tells(Protocol):
    def timeline(self, *, latest: int | None = None) -> str: ...


class _Notes(threading.local):
    def __init__(self) -> None:
        self.open: weakref.WeakSet[Tells] = weakref.WeakSet()
        self.timelines: list[str] = []
        self.is_wanted = False


_NOTES = _Notes()


def opened(engine: Tells) -> None:
    _NOTES.open.add(engine)


def closing(engine: Tells) -> None:
    """Save the timeline of a closing engine: failures are reported only later."""
    if engine in _NOTES.open:
        _NOTES.open.discard(engine)
        if not _NOTES.is_wanted:
            return
        with contextlib.suppress(Exception):  # the test may have broken the engine
            _NOTES.timelines.append(engine.timeline(latest=LATEST))


def forget() -> None:
    """Discard the timelines, for a new test."""
    _NOTES.timelines.clear()
    _NOTES.is_wanted = True


def report() -> str:
    """Return the timelines of the test's engines, open and closed."""
    texts = list(_NOTES.timelines)
    for engine in list(_NOTES.open):
        with contextlib.suppress(Exception):
            texts.append(engine.timeline(latest=LATEST))
    return "\n\n".join(text for text in texts if text)
