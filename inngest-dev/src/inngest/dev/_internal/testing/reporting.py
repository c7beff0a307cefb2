"""Keep the timelines of the engines that the current test uses, for the report of its failure."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import Protocol

LATEST = 20
"""How many runs of an engine are reported: there may be very many that started each other."""


class Tells(Protocol):
    def timeline(self, *, latest: int | None = None) -> str: ...


class _Notes(threading.local):
    def __init__(self) -> None:
        self.open: weakref.WeakSet[Tells] = weakref.WeakSet()
        self.told: list[str] = []
        self.is_wanted = False


_NOTES = _Notes()


def opened(engine: Tells) -> None:
    _NOTES.open.add(engine)


def closing(engine: Tells) -> None:
    """Keep the timeline of an engine that closes: a failure is reported only after that."""
    if engine in _NOTES.open:
        _NOTES.open.discard(engine)
        if not _NOTES.is_wanted:
            return
        with contextlib.suppress(Exception):  # of a test that broke the engine itself
            _NOTES.told.append(engine.timeline(latest=LATEST))


def forget() -> None:
    """Begin with a new test."""
    _NOTES.told.clear()
    _NOTES.is_wanted = True


def report() -> str:
    """The timelines of all engines of the test, open and closed."""
    texts = list(_NOTES.told)
    for engine in list(_NOTES.open):
        with contextlib.suppress(Exception):
            texts.append(engine.timeline(latest=LATEST))
    return "\n\n".join(text for text in texts if text)
