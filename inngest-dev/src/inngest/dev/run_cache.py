"""Keep runs that go on as they were last read or stored: a long one is read at every call.

Everybody gets a copy: what is changed and then not stored leaves no trace. Steps that have
ended are shared, for they do not change any more.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from inngest.dev.model import Run

LIMIT = 256


class RunCache:
    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def get(self, run_id: str) -> Run | None:
        run = self._runs.get(run_id)
        return None if run is None else _copy(run)

    def look(self, run_id: str) -> Run | None:
        """Not a copy: to be read at once, and not changed."""
        return self._runs.get(run_id)

    def put(self, run: Run) -> None:
        """Of a run that has ended nothing is kept: it is hardly asked for again."""
        self._runs.pop(run.id, None)
        if run.ended:
            return
        self._runs[run.id] = _copy(run)
        if len(self._runs) > LIMIT:
            del self._runs[next(iter(self._runs))]

    def clear(self) -> None:
        self._runs.clear()


def _copy(run: Run) -> Run:
    steps = dict(run.steps)
    if len(run.stack) < len(steps):
        steps |= {s.id: replace(s) for s in run.steps.values() if s.state == "pending"}
    copy = object.__new__(Run)
    for name in Run.__slots__:  # `replace` takes four times as long
        setattr(copy, name, getattr(run, name))
    copy.steps, copy.stack = steps, list(run.stack)
    copy.defers = deepcopy(run.defers) if run.defers else {}
    return copy
