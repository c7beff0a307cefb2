"""Evaluate the expressions of functions and waits on events. Pure."""

from __future__ import annotations

import json

from inngest.dev._internal.expressions.cel import BadExpression, compiled
from inngest.dev._internal.expressions.demand import offered
from inngest.dev._internal.expressions.values import Value, from_json
from inngest.dev._internal.function.options import Options
from inngest.dev._internal.model.values import Event, Run

MAX_PRIORITY = 43_200
"""Seconds."""


class _Last:
    """A cache of the last event converted for expressions, as many are evaluated on it.

    Converting a large event takes longer than evaluating most expressions.
    """

    def __init__(self) -> None:
        self._known: tuple[Event | None, Value] = None, None

    def seen(self, event: Event) -> Value:
        known, value = self._known  # read both at once: engines on other threads share this
        if known is not event:
            value = from_json(event.wire())
            self._known = event, value
        return value


_event, _async = _Last(), _Last()


def holds(expression: str, event: Event, now: int, candidate: Event | None = None) -> bool:
    """Return whether an expression holds for an event, and for a received one, if any.

    :param event: `event` in the expression.
    :param candidate: `async` in the expression.
    """
    read = compiled(expression)
    if isinstance(read, BadExpression):
        return False
    if candidate is None:
        return read.holds({"event": _event.seen(event)}, now)
    return read.holds({"event": _event.seen(event), "async": _async.seen(candidate)}, now)


def demanded(expression: str | None, event: Event) -> tuple[str, str] | None:
    """Return the fields of `async` that an expression compares for equality, and their values.

    Both are text, to compare with that of `offers`. None: any event may match.
    """
    read = None if expression is None else compiled(expression)
    if read is None or isinstance(read, BadExpression) or read.demand is None:
        return None
    wanted = read.wanted({"event": _event.seen(event)})
    return None if wanted is None else (read.demand.fields, wanted)


def offers(fields: str, candidate: Event) -> str:
    """Return the received event's values of these fields, to compare with `demanded`."""
    return offered(fields, _async.seen(candidate))


def key_of(expression: str | None, event: Event, now: int) -> str:
    """Evaluate a key to text, equal for equal values. A failed evaluation counts as null."""
    if expression is None:
        return ""
    value = _value(expression, event, now)
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except TypeError:  # a map built by the expression may mix types of keys
        return json.dumps(value, default=str)


def keys_of(options: Options, event: Event, now: int) -> dict[str, str]:
    """Evaluate all concurrency and throttle keys for this event; by expression."""
    keyed = (*options.concurrency, options.throttle)
    used = {each.key for each in keyed if each is not None and each.key is not None}
    return {expression: key_of(expression, event, now) for expression in used}


def key_in(run: Run, expression: str | None) -> str:
    """Return a key's value for this run, as of its start, even if the function has changed."""
    if expression is None:
        return ""
    known = run.keys.get(expression)
    return key_of(expression, run.event, run.created_at) if known is None else known


def single_of(options: Options, run: Run) -> str | None:
    """Return the singleton key's value, unique among active runs; None: no singleton."""
    return None if options.singleton is None else key_in(run, options.singleton.key)


def priority_of(options: Options, event: Event, now: int) -> int:
    """Return the priority: milliseconds that a run is queued ahead of (negative: behind) others."""
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
    return read.value({"event": _event.seen(event)}, now)
