"""Which due calls may be made now: concurrency and throttle. No I/O, no clock.

The calls under way are counted here, and nowhere else: after a restart none is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from inngest.dev.gcra import Denied, conform
from inngest.dev.lanes import lanes
from inngest.dev.machine import dispatched
from inngest.dev.model import Function, Gate, Run, Transition
from inngest.dev.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Not now. `until`: when to ask again, if that is known."""

    until: int | None = None


class Admission:
    def __init__(self) -> None:
        self._taken: dict[str, list[str]] = {}
        self._under_way: Counter[str] = Counter()

    def admit(
        self, job_id: str, run: Run, function: Function, state: State, now: int
    ) -> Transition | Blocked:
        """Take the places that a call needs, or none. The change marks the start of a run."""
        started = run.started_at is not None
        taken: list[str] = []
        for lane in lanes(function, run.keys):
            if lane.whole_runs:
                full = not started and state.running_in(lane.name) >= lane.limit
            else:
                full = self._under_way[lane.name] >= lane.limit
                taken.append(lane.name)
            if full:
                return Blocked()
        change = Transition()
        throttle = function.options.throttle
        if throttle is not None and not started:
            key = str(run.keys.get("throttle", ""))
            verdict = conform(
                state.gate("throttle", function.id, key),
                now,
                limit=throttle.limit,
                period=throttle.period,
                burst=throttle.limit - 1 + throttle.burst,
            )
            if isinstance(verdict, Denied):
                return Blocked(until=verdict.retry_at)
            gate = Gate(kind="throttle", function_id=function.id, key=key, state=verdict.arrival)
            change.gates.append(gate)
        self._taken[job_id] = taken
        self._under_way.update(taken)
        if not started:
            dispatched(change, run, function, now)
        return change

    def leave(self, job_id: str) -> None:
        """The call is over."""
        self._under_way.subtract(self._taken.pop(job_id, ()))
