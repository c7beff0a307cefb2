"""Apply changes, with all that their events bring about, and tell listeners of them."""

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
"""Is told of each run whose state has changed."""
Bell = Callable[[str | None], None]
"""Is told that something has changed, and the id of a run, if what changed is only noted of it."""


class Watchers:
    """Who is told of changes. They stay when the engine is stopped and started again."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.bells: list[Bell] = []
        self.setback_listeners: list[Callable[[Setback], None]] = []
        self.signals: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        """What those wait on who wait for a run, or for the runs of an event, by its id."""
        self.are_dismissed: bool = False

    def dismiss(self) -> None:
        """Wake all who wait for a change: the engine is about to stop."""
        self.are_dismissed = True
        self._wake(*self.signals)

    @contextmanager
    def waiting(self, wanted: str) -> Iterator[asyncio.Event]:
        """Give what is set whenever the run with this id changes, or a run of the event with it."""
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
        """Tell of runs that have changed, by their ids, and of a failed attempt."""
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
        """Tell that something has changed, other than the state of runs."""
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
        """Like `commit`, of several. Each is worked out when the one before has been applied."""
        with self._store.transaction():
            touched = self.apply(changes)
        self.announce(touched)

    def apply(self, changes: Iterator[Transition]) -> dict[str, Run]:
        """Apply changes within a transaction of the caller's, who then calls `announce`.

        Each change is worked out when the one before has been applied. The events that they
        bring about are received after them.

        :returns: the runs that have changed, by their ids.
        """
        touched: dict[str, Run] = {}
        events = deque[Event]()
        while True:
            for change in changes:
                self._store.apply(change)
                for run in change.runs:
                    self._keep_alive(run, change)
                    if run.ended:
                        self.free_places(run)
                touched |= {run.id: run for run in change.runs}
                events += change.events
            if not events:
                return touched
            changes = self._receive(events.popleft())

    def announce(self, touched: Mapping[str, Run], setback: Setback | None = None) -> None:
        """Wake the scheduler, and tell of runs that have changed. Call it after the transaction."""
        self._wake()
        self._watchers.tell(touched, setback)

    def _keep_alive(self, run: Run, change: Transition) -> None:
        """Have the function called again if nothing in the queue would let the run go on.

        This happens when an app does not report a step of a group any more: the step stays
        pending, and nothing ends it. Without this the run would wait for ever.
        """
        if run.ended or any(
            item.run_id == run.id and item.kind not in TIMEOUTS for item in change.items
        ):
            return
        if not self._store.goes_on(run.id):
            self._store.apply(Transition(items=[discovery(run, self._clock.now())]))

    def free_places(self, run: Run) -> None:
        """Unpark what waits for a place that the run has had, or that its calls were let try for."""
        function = self._store.function(run.function_id)
        for place in [run.lane or ""] if function is None else places(function, run, self._store):
            self._store.unpark_each(place)

    def _receive(self, event: Event) -> Iterator[Transition]:
        if self._store.add_event(event):
            yield from receive(event, self._store, self._clock.now())
