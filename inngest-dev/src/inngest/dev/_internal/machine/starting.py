"""Apply flow control between an event that triggers a function and the start of a run. Pure.

In order: a batch or debounce collects events, the rate limit drops them, the singleton skips
them or cancels other runs. Throttle and concurrency act later, on calls (`admission`).

Generators of changes: each is applied before the next is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inngest.dev._internal.flow_control.batches import collect, collected
from inngest.dev._internal.flow_control.debounce import postpone, postponed
from inngest.dev._internal.flow_control.gcra import Denied, conform
from inngest.dev._internal.flow_control.keys import holds, key_of
from inngest.dev._internal.machine.runs import cancel, start, wake
from inngest.dev._internal.model.durations import DAY
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import (
    Event,
    Function,
    Gate,
    Item,
    Run,
    Transition,
    correlation_id,
    error_body,
)

IDEMPOTENCY = DAY
"""Milliseconds during which events with the same id start a function only once."""
_REPEATED = "was started by this event already"


def offer(function: Function, event: Event, state: State, now: int) -> Iterator[Transition]:
    """Handle an event that triggers a function."""
    batch, debounce = function.options.batch, function.options.debounce
    if batch is not None and (batch.condition is None or holds(batch.condition, event, now)):
        change, full = collect(function.id, batch, event, state, now)
        yield change
        if full:
            yield from launch(function, full, state, now)
    elif _is_repeated(function, event, state, now):
        yield from refuse(event, _REPEATED, state, now)
    elif debounce is not None:
        change, former = postpone(function.id, debounce, event, state, now)
        yield change
        if former is not None:
            yield from refuse(former, "is debounced: it gave way to a later event", state, now)
    else:
        yield from launch(function, [event], state, now)


def release(item: Item, state: State, now: int) -> Iterator[Transition]:
    """Start a run with the events of a batch or debounce whose timer fell due."""
    assert item.kind in ("batch", "debounce")
    key = item.match or ""
    events = [event for each in held_by(item, state) if (event := state.event(each)) is not None]
    forgotten = Gate(kind=item.kind, function_id=item.function_id, key=key, state=None)
    yield Transition(drops=[item.job_id], gates=[forgotten])
    function = state.function(item.function_id)
    if function is None or not events:
        return
    if item.kind == "debounce" and _is_repeated(function, events[0], state, now):
        # an event with the same id, debounced under another key, may have started a run since
        yield from refuse(events[0], _REPEATED, state, now)
    else:
        yield from launch(function, events, state, now)


def held_by(item: Item, state: State) -> list[str]:
    """Return the internal ids of the events that the timer's batch or debounce holds."""
    read = collected if item.kind == "batch" else postponed
    return read(item.function_id, item.match or "", state)


def launch(
    function: Function, events: Sequence[Event], state: State, now: int
) -> Iterator[Transition]:
    """Start a run, unless the rate limit or singleton prevents it."""
    options = function.options
    if options.rate_limit is not None and options.batch is None:
        limit = options.rate_limit
        key = key_of(limit.key, events[0], now)
        verdict = conform(
            state.gate("rate_limit", function.id, key),
            now,
            limit=limit.limit,
            period=limit.period,
            burst=limit.limit // 10,
        )
        if isinstance(verdict, Denied):
            yield from refuse(events[0], "is rate limited", state, now)
            return
        gate = Gate(kind="rate_limit", function_id=function.id, key=key, state=verdict.arrival)
        yield Transition(gates=[gate])
    if options.singleton is not None:
        others = state.singles(function.id, key_of(options.singleton.key, events[0], now))
        if others and options.singleton.mode == "skip":
            yield from refuse(events[0], "is a singleton and runs already", state, now)
            return
        for run_id in others:
            run = state.run(run_id)
            if run is not None:
                yield cancel(run, now)
    yield start(events, function, now)


def _is_repeated(function: Function, event: Event, state: State, now: int) -> bool:
    return state.started_since(function.id, event.key, now - IDEMPOTENCY)


def refuse(event: Event, why: str, state: State, now: int) -> Iterator[Transition]:
    """Start no run. If the event is an invocation, fail the invoking step with `why`."""
    invocation = correlation_id(event)
    if invocation is None:
        return
    memo = error_body(f"invoked function {why}")
    for item in state.waiting("invoke", invocation):
        run: Run | None = state.run(item.run_id)
        yield Transition(drops=[item.job_id]) if run is None else wake(item, run, memo, now)
