"""Receive an event: resolve waits, cancel runs, trigger functions. Pure.

Generators of changes: each is applied before the next is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from inngest.dev._internal.flow_control.keys import holds, offers
from inngest.dev._internal.function.event_index import names
from inngest.dev._internal.function.options import Cancellation
from inngest.dev._internal.machine.deferred import DEFERRED_EVENT, warn_of_loss
from inngest.dev._internal.machine.runs import cancel, fulfil
from inngest.dev._internal.machine.starting import offer
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import (
    FINISHED_EVENT,
    INVOKED_EVENT,
    Event,
    Function,
    Json,
    Run,
    Transition,
    Trigger,
)


def receive(event: Event, state: State, now: int) -> Iterator[Transition]:
    """Yield the changes that a stored event causes."""
    waits = state.waits(event.name, partial(offers, candidate=event))
    if event.name == FINISHED_EVENT and "correlation_id" in event.body["data"]:
        waits += state.waiting("invoke", event.body["data"]["correlation_id"])
    yield from fulfil(event, waits, state.run, now)
    yield from cancelled(event, state, now)
    started = triggered(event, state, now)
    if event.name == DEFERRED_EVENT:
        warn_of_loss(event, started, state.functions())
    for function in started:
        yield from offer(function, event, state, now)


def triggered(event: Event, state: State, now: int) -> list[Function]:
    """Return the functions that an event triggers; for an invocation, only the one it names."""
    if event.name == INVOKED_EVENT:
        return _known(event.inner.get("fn_id"), state)
    concerned = state.concerned(event.name)
    found = [f for f in concerned if any(matches(t, event, now) for t in f.triggers)]
    return [*(f for f in _known(event.target, state) if f not in found), *found]


def _known(function_id: Json, state: State) -> list[Function]:
    function = state.function(function_id) if isinstance(function_id, str) else None
    return [] if function is None or function.id != function_id else [function]


def matches(trigger: Trigger, event: Event, now: int) -> bool:
    expression = trigger.expression
    return names(trigger, event.name) and (expression is None or holds(expression, event, now))


def cancelled(event: Event, state: State, now: int) -> Iterator[Transition]:
    """Cancel the runs whose cancellation conditions this event meets."""
    for function in state.concerned(event.name):
        for entry in function.options.cancel:
            if entry.event != event.name:
                continue
            for run in _cancellable(entry, function, event, state):
                if _cancels(entry, run, event, now):
                    yield cancel(state.run(run.id) or run, now)


def _cancellable(
    entry: Cancellation, function: Function, event: Event, state: State
) -> Sequence[Run]:
    if entry.condition is None:
        return state.active_runs(function.id)
    return state.cancellable(function.id, entry.condition, partial(offers, candidate=event))


def _cancels(entry: Cancellation, run: Run, event: Event, now: int) -> bool:
    if now > run.created_at + entry.timeout:
        return False
    if any(event.internal_id == own.internal_id for own in run.events):
        return False
    return entry.condition is None or holds(entry.condition, run.event, now, event)
