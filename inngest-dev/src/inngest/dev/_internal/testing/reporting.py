"""Remember what happened in the engines of the test that runs, for the report of a failure."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import Protocol

LATEST = 20
"""How many runs are told of: they may have started each other for long."""


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
    """An engine closes before the test that failed is reported."""
    if engine in _NOTES.open:
        _NOTES.open.discard(engine)
        if not _NOTES.is_wanted:
            return
        with contextlib.suppress(Exception):  # of a test that broke the engine itself
            _NOTES.told.append(engine.timeline(latest=LATEST))


def forget() -> None:
    """A test begins, and may fail."""
    _NOTES.told.clear()
    _NOTES.is_wanted = True


def report() -> str:
    """All that is known, of engines open and closed."""
    texts = list(_NOTES.told)
    for engine in list(_NOTES.open):
        with contextlib.suppress(Exception):
            texts.append(engine.timeline(latest=LATEST))
    return "\n\n".join(text for text in texts if text)
