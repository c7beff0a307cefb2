"""A cache of active runs: a run is read at every call, and a long one takes long to read.

`get` gives a copy, so that changes that are not stored in the end leave no trace. A run that is
put in must not be changed any more. Copies share their steps: `Run.changing` copies one.
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
        """The cached run itself, not to be changed. It is replaced, not changed, by a later one."""
        return self._runs.get(run_id)

    def put(self, run: Run) -> None:
        """Keep a run, and drop one that has ended: it is hardly asked for again."""
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
