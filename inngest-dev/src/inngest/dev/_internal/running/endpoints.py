"""Start the runs of durable endpoints and record their steps, each in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from inngest.dev._internal.clock import Clock
from inngest.dev._internal.endpoints.requests import Begun, read_begun
from inngest.dev._internal.endpoints.steps import Unusable, record
from inngest.dev._internal.machine.endpoint import is_takeover
from inngest.dev._internal.machine.retries import Delay
from inngest.dev._internal.model.durations import SECOND
from inngest.dev._internal.model.values import Function, Json, Run, Step
from inngest.dev._internal.running.ledger import Ledger
from inngest.dev._internal.store.store import Store

_log = logging.getLogger("inngest.dev")


@dataclass(frozen=True, slots=True)
class Refused:
    status: int
    message: str


def reentry_delay(attempt: int) -> int:
    """Return the milliseconds to wait after failed attempt number `attempt`, counted from 0."""
    return (attempt + 1) * 5 * SECOND


class Endpoints:
    def __init__(self, store: Store, ledger: Ledger, clock: Clock, delay: Delay) -> None:
        self._store, self._ledger, self._clock, self._delay = store, ledger, clock, delay

    def begin(self, body: Json) -> Begun | Refused:
        """Store a run that an app has started, with the steps it has completed."""
        begun = read_begun(body, self._clock.now())
        if begun is None:
            return Refused(400, "Invalid request body")
        with self._store.transaction():
            if self._store.run(begun.run.id) is not None:
                return Refused(409, "Run already exists")
            self._store.add_function(begun.function, now=self._clock.now())
            touched = self._ledger.apply([begun.change])
            touched |= self._record(begun.run, begun.function, begun.steps)
        self._ledger.announce(touched)
        return begun

    def record(self, run_id: str, steps: Sequence[dict[str, Json]]) -> None:
        """Store steps of a run. Unusable ones are logged; the app gets no error."""
        with self._store.transaction():
            run = self._store.run(run_id)
            function = None if run is None else self._store.function(run.function_id)
            if run is None or function is None or run.ended:
                _log.warning("received steps of run %r, which is not active", run_id)
                return
            touched = self._record(run, function, steps)
        self._ledger.announce(touched)

    def _record(
        self, run: Run, function: Function, steps: Sequence[dict[str, Json]]
    ) -> dict[str, Run]:
        known = {step.id for step in run.steps.values() if step.state != "pending"}
        items = self._store.items_of(run.id)
        now = self._clock.now()
        change = record(run, function, steps, items, state=self._store, delay=self._delay, now=now)
        if isinstance(change, Unusable):
            _log.warning("steps of run %s cannot be used: %s", run.id, change.reason)
            return {}
        calls = [item for item in items if is_takeover(item)]
        for step in run.steps.values():
            if step.state != "pending" and step.id not in known and calls:
                self._store.add_attempt(calls[0], step.id, *_attempt_of(step))
        return self._ledger.apply([change])


def _attempt_of(step: Step) -> tuple[int, int, str, Json]:
    ended = step.ended_at or step.created_at
    if step.state == "failed":
        return step.created_at, ended, "failed", step.error
    return step.created_at, ended, "reported", step.output
