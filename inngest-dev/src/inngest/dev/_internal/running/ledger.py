"""Apply changes, with all that their events bring about, and tell who listens."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from inngest.dev._internal.clock import Clock
from inngest.dev._internal.flow_control.admission import places
from inngest.dev._internal.machine.reception import receive
from inngest.dev._internal.machine.runs import discovery
from inngest.dev._internal.model.values import TIMEOUTS, Event, Run, Setback, Transition
from inngest.dev._internal.store.store import Store

_log = logging.getLogger("inngest.dev")
T = TypeVar("T")
Listener = Callable[[Run], None]
Bell = Callable[[str | None], None]


class Watchers:
    """Who is told of changes. They outlive the store."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.bells: list[Bell] = []
        self.setback_listeners: list[Callable[[Setback], None]] = []
        self.signals: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        """Who waits for a run, or the runs of an event, by its id."""
        self.are_dismissed: bool = False

    def dismiss(self) -> None:
        """Let those go who wait for a change: there will be none for now."""
        self.are_dismissed = True
        self._wake(*self.signals)

    @contextmanager
    def waiting(self, wanted: str) -> Iterator[asyncio.Event]:
        """Is set when a run changes that has this id, or is one of an event that has it."""
        change = asyncio.Event()
        self.signals[wanted].add(change)
        try:
            yield change
        finally:
            self.signals[wanted].discard(change)
            if not self.signals[wanted]:
                del self.signals[wanted]

    def _wake(self, *ids: str) -> None:
        for each in ids:
            for change in self.signals.get(each, ()):
                change.set()

    def tell(self, touched: Mapping[str, Run], setback: Setback | None = None) -> None:
        if setback is not None:
            for each in self.setback_listeners:
                _tell(each, setback, setback.run_id)
        for run in touched.values():
            for listener in self.listeners:
                _tell(listener, run, run.id)
            if self.signals:
                self._wake(run.id, *(event.internal_id for event in run.events))
        self.ring()

    def ring(self, run_id: str | None = None) -> None:
        """Something has changed that is no state of a run; it may be about one."""
        for bell in self.bells:
            bell(run_id)


def _tell(listener: Callable[[T], None], what: T, run_id: str) -> None:
    try:
        listener(what)
    except Exception:
        _log.exception("a listener failed on run %s", run_id)


class Ledger:
    def __init__(
        self, store: Store, clock: Clock, watchers: Watchers, wake: Callable[[], None]
    ) -> None:
        self._store, self._clock, self._watchers, self._wake = store, clock, watchers, wake

    def commit(self, change: Transition) -> None:
        """Apply a change and all that its events bring about, in one transaction."""
        self.commit_all(iter([change]))

    def commit_all(self, changes: Iterator[Transition]) -> None:
        with self._store.transaction():
            touched = self.apply(changes)
        self.announce(touched)

    def apply(self, changes: Iterator[Transition]) -> dict[str, Run]:
        """For a transaction of the caller's. Each change sees what the one before has done."""
        touched: dict[str, Run] = {}
        events = deque[Event]()
        while True:
            for change in changes:
                self._store.apply(change)
                for run in change.runs:
                    self._keep_alive(run, change)
                    if run.ended:
                        self.hand_on(run)
                touched |= {run.id: run for run in change.runs}
                events += change.events
            if not events:
                return touched
            changes = self._receive(events.popleft())

    def announce(self, touched: Mapping[str, Run], setback: Setback | None = None) -> None:
        """Tell of runs that changed, once the transaction is done."""
        self._wake()
        self._watchers.tell(touched, setback)

    def _keep_alive(self, run: Run, change: Transition) -> None:
        """A run that goes on has work in the queue.

        An app that stops reporting a step of a group leaves it pending, with nothing to end
        it: the function is then called again instead of waiting for ever.
        """
        if run.ended or any(
            item.run_id == run.id and item.kind not in TIMEOUTS for item in change.items
        ):
            return
        if not self._store.goes_on(run.id):
            self._store.apply(Transition(items=[discovery(run, self._clock.now())]))

    def hand_on(self, run: Run) -> None:
        """Let others try where the run had a place, or one of its calls was about to try."""
        function = self._store.function(run.function_id)
        for place in [run.lane or ""] if function is None else places(function, run, self._store):
            self._store.unpark_each(place)

    def _receive(self, event: Event) -> Iterator[Transition]:
        if self._store.add_event(event):
            yield from receive(event, self._store, self._clock.now())
