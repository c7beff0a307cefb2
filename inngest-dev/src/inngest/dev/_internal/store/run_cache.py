"""A cache of active runs, as every call reads its run, and long ones are slow to read.

`get` returns a copy, so that changes that end up not stored leave no trace. Do not modify a run
once it is put in. Copies share their steps: `Run.changing` copies one.
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
        """Return the cached run itself. Do not modify it; `put` replaces it."""
        return self._runs.get(run_id)

    def put(self, run: Run) -> None:
        """Cache a run, or evict it if it has ended, as it is rarely read again."""
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
