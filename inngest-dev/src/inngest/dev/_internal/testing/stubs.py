"""Stubs for steps: values, callables and exceptions, in turn.

Limits: steps that the app runs (`run`, `send_event`, `ai.wrap`). Sleeps, waits and invoked
functions are not run by the app: advance the clock, send the event, serve the function.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from inngest.middleware import WrappedHandler


@dataclass(slots=True)
class Stub:
    """Outcomes for the executions of a step; the last one repeats."""

    step: str
    function_id: str | None
    outcomes: deque[object]
    calls: list[tuple[object, ...]] = field(default_factory=list)
    """The arguments of each execution."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, *args: object) -> object:
        with self._lock:
            self.calls.append(args)
            outcome = self.outcomes.popleft() if len(self.outcomes) > 1 else self.outcomes[0]
        return outcome_of(outcome, args)


class Stubs:
    def __init__(self) -> None:
        self._stubs: list[Stub] = []

    def add(self, step: str, outcomes: tuple[object, ...], function_id: str | None) -> Stub:
        if not isinstance(step, str):
            raise TypeError(f"a stub needs the id of a step, not {step!r}")
        if not outcomes:
            raise TypeError("a stub needs an outcome: a value, a callable or an exception")
        stub = Stub(step, function_id, deque(outcomes))
        self._stubs.insert(0, stub)  # the newest wins
        return stub

    def idle(self) -> list[Stub]:
        """Return the stubs not used so far, oldest first."""
        return [stub for stub in reversed(self._stubs) if not stub.calls]

    def put_on(self, step: WrappedHandler, function_id: str | None) -> None:
        """Replace the handler of a step that has a stub."""
        for stub in self._stubs:
            if stub.step == step.info.id and stub.function_id in (None, function_id):
                step.handler = stub
                return


def outcome_of(outcome: object, args: tuple[object, ...]) -> object:
    if isinstance(outcome, BaseException):
        raise outcome.with_traceback(None)
    if isinstance(outcome, type) and issubclass(outcome, BaseException):
        raise outcome()
    if isinstance(outcome, Callable):  # type: ignore[arg-type]
        return outcome(*args)  # type: ignore[operator]
    return outcome
