"""Keep runs that go on as they were last read or stored: a long one is read at every call.

Everybody gets a copy: what is changed and then not stored leaves no trace. What has been
stored is handed over, and not changed any more. Steps are shared, until `Run.changing`.
"""

from __future__ import annotations

from copy import deepcopy

from inngest.dev._internal.model.values import Run

LIMIT = 256


class RunCache:
    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def get(self, run_id: str) -> Run | None:
        run = self._runs.get(run_id)
        return None if run is None else _copy(run)

    def look(self, run_id: str) -> Run | None:
        """Not a copy, and not to be changed. It stays as it is when the run goes on."""
        return self._runs.get(run_id)

    def put(self, run: Run) -> None:
        """Of a run that has ended nothing is kept: it is hardly asked for again."""
        self._runs.pop(run.id, None)
        if run.ended:
            return
        self._runs[run.id] = run
        if len(self._runs) > LIMIT:
            del self._runs[next(iter(self._runs))]

    def drop(self, run_id: str) -> None:
        self._runs.pop(run_id, None)

    def clear(self) -> None:
        self._runs.clear()


def _copy(run: Run) -> Run:
    copied = object.__new__(Run)
    copied.__dict__ |= run.__dict__
    copied.steps, copied.stack = dict(run.steps), list(run.stack)
    copied.defers = deepcopy(run.defers) if run.defers else {}
    return copied
