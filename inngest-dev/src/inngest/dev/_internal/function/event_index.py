"""An index from names of events to the functions that they may concern. Pure.

There may be thousands of functions: not each of them is asked for each event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from inngest.dev._internal.model.values import Function, Trigger

WILDCARDS = ("/*", ".*")
"""Ends of a trigger's event name: it then takes all names that begin with what is before."""


class EventIndex:
    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = functions
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._begins: list[tuple[str, int]] = []
        for place, function in enumerate(functions):
            for trigger in function.triggers:
                if trigger.event.endswith(WILDCARDS):
                    self._begins.append((trigger.event[:-1], place))
                else:
                    self._named[trigger.event].append(place)
            for cancellation in function.options.cancel:
                self._named[cancellation.event].append(place)

    def of(self, name: str) -> list[Function]:
        """The functions that an event of this name may trigger, or cancel runs of, in order."""
        places = {place for begin, place in self._begins if name.startswith(begin)}
        places.update(self._named.get(name, ()))
        return [self._functions[place] for place in sorted(places)]


def names(trigger: Trigger, event_name: str) -> bool:
    """Whether the trigger takes events of this name: it is the same, or fits the wildcard."""
    if trigger.event.endswith(WILDCARDS):
        return event_name.startswith(trigger.event[:-1])
    return trigger.event == event_name
