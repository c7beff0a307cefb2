"""An in-memory index of the active runs that an event may cancel.

A condition such as `event.data.id == async.data.id` demands a value of the received event, which
differs per run (see `expressions.demand`). Runs are indexed by that value, so that the condition
is not evaluated on all of them.

A condition's index is built from the function's active runs on first use, and updated with each
run that is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from inngest.dev._internal.flow_control.keys import demanded
from inngest.dev._internal.function.options import MAX_CANCELLATIONS
from inngest.dev._internal.model.values import Run

_Place = tuple[str | None, str | None]
"""The event fields that a run's condition demands, and their values, as of `demanded`."""
_ANY: _Place = None, None
"""The place of runs that any event may cancel."""


class CancellationIndex:
    def __init__(self) -> None:
        self._functions: defaultdict[str, dict[str, _Runs]] = defaultdict(dict)
        """The runs of each function, by its id and by the condition of the cancellation."""

    def of(
        self,
        function_id: str,
        condition: str,
        offers: Callable[[str], str],
        active_runs: Callable[[str], Iterable[Run]],
    ) -> list[str] | None:
        """Return the ids of the runs that the event may cancel, oldest first.

        The caller must evaluate the condition on them. None: the condition demands nothing, so
        that all runs are candidates.

        :param offers: returns the event's values of the given fields.
        :param active_runs: returns the active runs of a function.
        """
        conditions = self._functions[function_id]
        if condition not in conditions:
            if len(conditions) >= MAX_CANCELLATIONS:
                conditions.clear()  # drop conditions of previous versions of the function
            conditions[condition] = _Runs(condition)
            for run in active_runs(function_id):
                conditions[condition].note(run)
        return conditions[condition].of(offers)

    def note(self, run: Run) -> None:
        """Update the index with a stored run: new, changed or ended."""
        if run.function_id in self._functions:
            for each in self._functions[run.function_id].values():
                each.note(run)

    def forget(self) -> None:
        self._functions.clear()


class _Runs:
    def __init__(self, condition: str) -> None:
        self._condition = condition
        self._places: dict[str, _Place] = {}
        self._at: defaultdict[_Place, dict[str, int]] = defaultdict(dict)
        """The ids of the runs at each place, with their numbers in order of age."""
        self._count = 0
        self._fields: str | None = None

    def note(self, run: Run) -> None:
        if run.ended:
            self._drop(run.id)
        elif run.id not in self._places:
            place = demanded(self._condition, run.event) or _ANY
            self._places[run.id] = place
            self._at[place][run.id] = self._count
            self._count += 1
            self._fields = place[0] or self._fields

    def _drop(self, run_id: str) -> None:
        place = self._places.pop(run_id, None)
        if place is not None:
            del self._at[place][run_id]
            if not self._at[place]:
                del self._at[place]

    def of(self, offers: Callable[[str], str]) -> list[str] | None:
        if self._fields is None:
            return None
        fitting = self._at.get((self._fields, offers(self._fields)), {})
        found = {**fitting, **self._at.get(_ANY, {})}
        return sorted(found, key=found.__getitem__)
