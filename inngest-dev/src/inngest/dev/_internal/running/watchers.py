"""Who is told of changes: listeners, and those who wait for a run."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from inngest.dev._internal.model.values import Run, Setback

_log = logging.getLogger("inngest.dev")
T = TypeVar("T")
Listener = Callable[[Run], None]
"""Is told of each run whose state has changed."""
Bell = Callable[[str | None], None]
"""Is told that something has changed, and the id of a run, if what changed is only noted of it."""


class Watchers:
    """Who is told of changes. They stay when the engine is stopped and started again."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.bells: list[Bell] = []
        self.setback_listeners: list[Callable[[Setback], None]] = []
        self.waits: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        """What those wait on who wait for a run, or for the runs of an event, by its id."""
        self.are_dismissed: bool = False

    def dismiss(self) -> None:
        """Wake all who wait for a change: the engine is about to stop."""
        self.are_dismissed = True
        self._wake(*self.waits)

    @contextmanager
    def waiting(self, wanted: str) -> Iterator[asyncio.Event]:
        """Give what is set whenever the run with this id changes, or a run of the event with it."""
        change = asyncio.Event()
        self.waits[wanted].add(change)
        try:
            yield change
        finally:
            self.waits[wanted].discard(change)
            if not self.waits[wanted]:
                del self.waits[wanted]

    def _wake(self, *ids: str) -> None:
        for each in ids:
            for change in self.waits.get(each, ()):
                change.set()

    def tell(self, touched: Mapping[str, Run], setback: Setback | None = None) -> None:
        """Tell of runs that have changed, by their ids, and of a failed attempt."""
        if setback is not None:
            for each in self.setback_listeners:
                _call(each, setback, setback.run_id)
        for run in touched.values():
            for listener in self.listeners:
                _call(listener, run, run.id)
            if self.waits:
                self._wake(run.id, *(event.internal_id for event in run.events))
        self.ring()

    def ring(self, run_id: str | None = None) -> None:
        """Tell that something has changed, other than the state of runs."""
        for bell in self.bells:
            bell(run_id)


def _call(listener: Callable[[T], None], what: T, run_id: str) -> None:
    try:
        listener(what)
    except Exception:
        _log.exception("a listener failed on run %s", run_id)
