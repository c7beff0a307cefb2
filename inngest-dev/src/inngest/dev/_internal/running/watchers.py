"""Notify listeners of changes, and wake tasks that wait for a run."""

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
"""Called with each run whose state has changed."""
Bell = Callable[[str | None], None]
"""Called after every change: with a run's id if only its metadata changed, else with None."""


class Watchers:
    """The subscribers to changes. They outlive a restart of the engine."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.bells: list[Bell] = []
        self.setback_listeners: list[Callable[[Setback], None]] = []
        self.waits: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        """The events that waiters for a run, or for the runs of an event, wait on, by its id."""
        self.are_dismissed: bool = False

    def dismiss(self) -> None:
        """Wake all waiters: the engine is about to stop."""
        self.are_dismissed = True
        self._wake(*self.waits)

    @contextmanager
    def waiting(self, wanted: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the run, or a run of the event, changes."""
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

    def notify(self, touched: Mapping[str, Run], setback: Setback | None = None) -> None:
        """Notify listeners of changed runs (by id) and of a failed attempt."""
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
        """Call the bells: something has changed. `run_id` is given if only its metadata did."""
        for bell in self.bells:
            bell(run_id)


def _call(listener: Callable[[T], None], argument: T, run_id: str) -> None:
    try:
        listener(argument)
    except Exception:
        _log.exception("a listener failed on run %s", run_id)
