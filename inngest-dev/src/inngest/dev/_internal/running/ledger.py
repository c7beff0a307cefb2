"""Apply changes, and the changes that their events cause."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from inngest.dev._internal.clock import Clock
from inngest.dev._internal.flow_control.admission import places
from inngest.dev._internal.machine.reception import receive
from inngest.dev._internal.machine.runs import discovery
from inngest.dev._internal.model.values import TIMEOUTS, Event, Run, Setback, Transition
from inngest.dev._internal.running.watchers import Watchers
from inngest.dev._internal.store.store import Store


class Ledger:
    def __init__(
        self, store: Store, clock: Clock, watchers: Watchers, wake: Callable[[], None]
    ) -> None:
        self._store, self._clock, self._watchers, self._wake = store, clock, watchers, wake

    def commit(self, change: Transition) -> None:
        """Apply a change, and those that its events cause, in one transaction."""
        self.commit_all([change])

    def commit_all(self, changes: Iterable[Transition]) -> None:
        """Like `commit`, for several. Each is generated after the previous one is applied."""
        with self._store.transaction():
            touched = self.apply(changes)
        self.announce(touched)

    def apply(self, changes: Iterable[Transition]) -> dict[str, Run]:
        """Apply changes within the caller's transaction; call `announce` after it.

        Each change is generated after the previous one is applied. The events that they emit are
        received last.

        :returns: the changed runs by id.
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
        """Wake the scheduler and notify watchers of changed runs. Call it after the transaction."""
        self._wake()
        self._watchers.notify(touched, setback)

    def _keep_alive(self, run: Run, change: Transition) -> None:
        """Queue a discovery if no item in the queue would continue the run.

        This happens when an app no longer reports a step of a group: the step stays pending, and
        the run would wait forever.
        """
        if run.ended or any(
            item.run_id == run.id and item.kind not in TIMEOUTS for item in change.items
        ):
            return
        if not self._store.goes_on(run.id):
            self._store.apply(Transition(items=[discovery(run, self._clock.now())]))

    def free_places(self, run: Run) -> None:
        """Unpark the next item at each place that the run or its calls may have held."""
        function = self._store.function(run.function_id)
        for place in [run.lane or ""] if function is None else places(function, run, self._store):
            self._store.unpark_each(place)

    def _receive(self, event: Event) -> Iterator[Transition]:
        if self._store.add_event(event):
            yield from receive(event, self._store, self._clock.now())
