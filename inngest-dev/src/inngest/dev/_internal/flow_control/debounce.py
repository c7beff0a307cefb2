"""Debounce: start a run with the last event once no more arrive. Pure."""

from __future__ import annotations

from inngest.dev._internal.flow_control.keys import key_of
from inngest.dev._internal.function.options import Debounce
from inngest.dev._internal.model.ids import new_job_id
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Event, Gate, Item, Transition


def postpone(
    function_id: str, debounce: Debounce, event: Event, state: State, now: int
) -> tuple[Transition, Event | None]:
    """Replace the waiting event, if any, with this one, and restart the timer.

    Returns the change and the replaced event.
    """
    key = key_of(debounce.key, event, now)
    kept = state.gate("debounce", function_id, key)
    former = None if kept is None else state.event(kept["events"][0])
    kept = kept or {"since": now, "job": new_job_id()}
    due = now + debounce.period
    if debounce.timeout is not None:
        due = min(due, kept["since"] + debounce.timeout)
    item = Item(
        job_id=kept["job"],
        run_id="",
        function_id=function_id,
        kind="debounce",
        step_id="",
        due=max(due, now),
        match=key,
    )
    state_now = {**kept, "events": [event.internal_id]}
    gate = Gate(kind="debounce", function_id=function_id, key=key, state=state_now)
    return Transition(items=[item], gates=[gate]), former


def postponed(function_id: str, key: str, state: State) -> list[str]:
    """Return the internal id of the waiting event, if there is one."""
    kept = state.gate("debounce", function_id, key)
    return [] if kept is None else kept["events"]
