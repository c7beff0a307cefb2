"""Which due calls may be made now: concurrency and throttle. No I/O, no clock.

The calls under way are counted here, and nowhere else: after a restart none is. A call that
is blocked is parked at what blocks it, and tries again when that has room.
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
    """Marks the start of the run, if this is its first call."""
    next_at: Sequence[str]
    """Where the next call may try, as there may still be room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    at: str
    """The queue of the lane, or the throttle, to park at."""
    next_at: Sequence[str]


class Admission:
    def __init__(self, *, calls_of_app: int = 50) -> None:
        """`calls_of_app`: how many one of several apps is made at a time, hanging or not."""
        self._calls_of_app = calls_of_app
        self._taken: dict[str, list[str]] = {}
        self._under_way: Counter[str] = Counter()
        self._throttled: dict[str, int] = {}
        """When the throttle of a key lets the next run start."""

    def admit(
        self, job_id: str, run: Run, function: Function, state: State, now: int
    ) -> Admitted | Blocked:
        """Take the places that a call needs, or none."""
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
        # the run itself takes its place in a lane of runs when the change is applied
        return Admitted(change=change, next_at=[*later, *(lane.queue for lane in needed)])

    def leave(self, job_id: str) -> list[str]:
        """The call is over: the lanes where there is room now, for whoever waits at them."""
        taken = self._taken.pop(job_id, [])
        for name in taken:  # a key may never come again: nothing is kept of it
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]
        return taken

    def next_chance(self) -> int | None:
        """When a throttle lets the next run start."""
        return min(self._throttled.values(), default=None)

    def chances(self, now: int) -> list[str]:
        """The throttles that let the next run start now."""
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
        """Keep in mind that the run starts, or say that the throttle is against it."""
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
    """The throttle and the lanes at which a call of the run may be parked."""
    own = (lane.name for lane in lanes(function, run))
    return [*_throttle_of(function, run), *own, *_app_of(function, state)]


def _app_of(function: Function, state: State) -> list[str]:
    """The lane of all calls of its app, if there are others that it could hold up."""
    return [f"app\x1f{function.app}"] if state.number_of_apps() > 1 else []


def _throttle_of(function: Function, run: Run) -> list[str]:
    """The name of the throttle that lets the run start, if there is one."""
    throttle = function.options.throttle
    if throttle is None:
        return []
    return [f"throttle\x1f{function.id}\x1f{key_in(run, throttle.key)}"]
