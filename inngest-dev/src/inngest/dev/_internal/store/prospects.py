"""Which runs an event may cancel, by the values that it would have to have. Kept in memory.

Of a function it is made from all of its runs that go on, when it is first asked for; from then
on it follows what is stored of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from inngest.dev._internal.flow_control.keys import demanded
from inngest.dev._internal.function.options import MAX_CANCELLATIONS
from inngest.dev._internal.model.values import Run

_ANY = None, None
"""The place of runs that events of any value may cancel."""
_Place = tuple[str | None, str | None]


class Prospects:
    def __init__(self) -> None:
        self._functions: defaultdict[str, dict[str, _Runs]] = defaultdict(dict)
        """By their ids, and by the conditions of their cancellations."""

    def of(
        self,
        function_id: str,
        condition: str,
        offers: Callable[[str], str],
        active_runs: Callable[[str], Iterable[Run]],
    ) -> list[str] | None:
        """The ids of runs, the oldest first, but for those of which the condition is not true.

        None: nothing can be said of it.
        """
        conditions = self._functions[function_id]
        if condition not in conditions:
            if len(conditions) >= MAX_CANCELLATIONS:  # of former versions of the function
                conditions.clear()
            conditions[condition] = _Runs(condition)
            for run in active_runs(function_id):
                conditions[condition].note(run)
        return conditions[condition].of(offers)

    def note(self, run: Run) -> None:
        """The run is there, or has ended."""
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
        """The runs of each place, with their numbers in the order of their beginning."""
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
