"""Decide which due calls may be made now, by concurrency and throttle. No I/O, no clock.

Calls under way are counted in memory: after a restart there are none. A blocked call is parked
at the lane or throttle that blocks it, and tried again when there is room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inngest.dev._internal.flow_control.gcra import Denied, conform
from inngest.dev._internal.flow_control.keys import key_in
from inngest.dev._internal.flow_control.lanes import Lane, lanes
from inngest.dev._internal.flow_control.timeouts import dispatched
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Function, Gate, Run, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    change: Transition
    """Marks the run as started, if this is its first call."""
    next_at: Sequence[str]
    """Places whose next parked call may try, as there may be more room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    at: str
    """The lane queue or throttle to park at."""
    next_at: Sequence[str]
    """Places whose next parked call may try, as this one has taken no room there."""


class Admission:
    def __init__(self, *, calls_of_app: int = 50) -> None:
        """:param calls_of_app: the most concurrent calls to one app, if there are several apps.

        So an app whose calls hang holds up no other app.
        """
        self._calls_of_app = calls_of_app
        self._taken: dict[str, list[str]] = {}
        self._under_way: Counter[str] = Counter()
        self._throttled: dict[str, int] = {}
        """When each blocking throttle admits the next run, by its name."""

    def admit(
        self, job_id: str, run: Run, function: Function, state: State, now: int
    ) -> Admitted | Blocked:
        """Take all places that a call needs, or none of them."""
        started = run.started_at is not None
        needed = [each for each in lanes(function, run) if not (each.whole_runs and started)]
        needed += [
            Lane(name=name, limit=self._calls_of_app, whole_runs=False)
            for name in _app_of(function, state)
        ]
        full = next((each for each in needed if not self._has_room(each, state)), None)
        if full is not None:
            others = [] if started else _throttle_of(function, run)
            return Blocked(at=full.queue, next_at=[*others, *self._open(needed, state)])
        change = Transition()
        throttle = None if started else self._throttle(change, run, function, state, now)
        if isinstance(throttle, Denied):
            (name,) = _throttle_of(function, run)
            self._throttled[name] = throttle.retry_at
            return Blocked(at=name, next_at=self._open(needed, state))
        taken = [lane.name for lane in needed if not lane.whole_runs]
        self._taken[job_id] = taken
        self._under_way.update(taken)
        if not started:
            dispatched(change, run, function, now)
        later = [] if started else _throttle_of(function, run)
        # the run takes its place in a lane of whole runs when the change is applied
        return Admitted(change=change, next_at=[*later, *(lane.queue for lane in needed)])

    def leave(self, job_id: str) -> list[str]:
        """Free the places of an ended call. Returns the lanes that now have room."""
        taken = self._taken.pop(job_id, [])
        for name in taken:  # drop a counter at 0: its key may never recur
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]
        return taken

    def next_chance(self) -> int | None:
        """Return when the first blocking throttle admits its next run."""
        return min(self._throttled.values(), default=None)

    def chances(self, now: int) -> list[str]:
        """Return the throttles that admit a run now, and stop counting them as blocking."""
        found = [key for key, until in self._throttled.items() if until <= now]
        for key in found:
            del self._throttled[key]
        return found

    def _has_room(self, lane: Lane, state: State) -> bool:
        taken = state.running_in(lane.name) if lane.whole_runs else self._under_way[lane.name]
        return taken < lane.limit

    def _open(self, needed: Sequence[Lane], state: State) -> list[str]:
        return [lane.queue for lane in needed if self._has_room(lane, state)]

    def _throttle(
        self, change: Transition, run: Run, function: Function, state: State, now: int
    ) -> Denied | None:
        """Record the run's start in `change`, or return when the throttle would admit it."""
        throttle = function.options.throttle
        if throttle is None:
            return None
        key = key_in(run, throttle.key)
        verdict = conform(
            state.gate("throttle", function.id, key),
            now,
            limit=throttle.limit,
            period=throttle.period,
            burst=throttle.limit - 1 + throttle.burst,
        )
        if isinstance(verdict, Denied):
            return verdict
        gate = Gate(kind="throttle", function_id=function.id, key=key, state=verdict.arrival)
        change.gates.append(gate)
        return None


def places(function: Function, run: Run, state: State) -> list[str]:
    """Return the throttle and the lanes that may block a call of the run."""
    own = (lane.name for lane in lanes(function, run))
    return [*_throttle_of(function, run), *own, *_app_of(function, state)]


def _app_of(function: Function, state: State) -> list[str]:
    """Return the lane of all calls to the app, if there are other apps to hold up."""
    return [f"app\x1f{function.app}"] if state.number_of_apps() > 1 else []


def _throttle_of(function: Function, run: Run) -> list[str]:
    """Return the name of the function's throttle for this run, if it has one."""
    throttle = function.options.throttle
    if throttle is None:
        return []
    return [f"throttle\x1f{function.id}\x1f{key_in(run, throttle.key)}"]
