"""Evaluate the expressions of functions on events. Pure."""

from __future__ import annotations

import json

from inngest.dev._internal.expressions.cel import BadExpression, compiled, scope_of
from inngest.dev._internal.expressions.values import Value
from inngest.dev._internal.function.options import Options
from inngest.dev._internal.model.values import Event

MAX_PRIORITY = 43_200
"""Seconds."""


def holds(expression: str, event: Event, now: int, candidate: Event | None = None) -> bool:
    """Whether it is true of the event, and of the one that came in (`async`)."""
    read = compiled(expression)
    if isinstance(read, BadExpression):
        return False
    if candidate is None:
        return read.holds(scope_of(event=event.wire()), now)
    return read.holds(scope_of(event=event.wire(), async_=candidate.wire()), now)


def key_of(expression: str | None, event: Event, now: int) -> str:
    """Text that is the same for equal values; what cannot be evaluated counts as null."""
    if expression is None:
        return ""
    value = _value(expression, event, now)
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except TypeError:  # of a map that the expression has made: keys of several kinds have no order
        return json.dumps(value, default=str)


def keys_of(options: Options, event: Event, now: int) -> dict[str, str | list[str]]:
    """The values that a run is started with; they do not change while it lives."""
    found: dict[str, str | list[str]] = {}
    if options.concurrency:
        found["concurrency"] = [key_of(each.key, event, now) for each in options.concurrency]
    if options.singleton is not None:
        found["singleton"] = key_of(options.singleton.key, event, now)
    if options.throttle is not None:
        found["throttle"] = key_of(options.throttle.key, event, now)
    return found


def priority_of(options: Options, event: Event, now: int) -> int:
    """Milliseconds, positive for what comes earlier."""
    if options.priority is None:
        return 0
    value = _value(options.priority, event, now)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return round(min(max(value, -MAX_PRIORITY), MAX_PRIORITY) * 1000)


def _value(expression: str, event: Event, now: int) -> Value:
    read = compiled(expression)
    if isinstance(read, BadExpression):
        return None
    return read.value(scope_of(event=event.wire()), now)
