"""An index of functions by event name. Pure.

There may be thousands of functions: too many to check each for every event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from inngest.dev._internal.model.values import Function, Trigger

WILDCARDS = ("/*", ".*")
"""Suffixes of a trigger's event name that make the rest of it a prefix to match."""


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
        """Return, in order, the functions that an event may trigger or cancel runs of."""
        places = {place for begin, place in self._begins if name.startswith(begin)}
        places.update(self._named.get(name, ()))
        return [self._functions[place] for place in sorted(places)]


def names(trigger: Trigger, event_name: str) -> bool:
    """Return whether the trigger's event name or wildcard matches this name."""
    if trigger.event.endswith(WILDCARDS):
        return event_name.startswith(trigger.event[:-1])
    return trigger.event == event_name
