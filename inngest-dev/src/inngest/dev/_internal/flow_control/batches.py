"""Batch events into one run, up to a size or a timeout. Pure."""

from __future__ import annotations

from inngest.dev._internal.flow_control.keys import key_of
from inngest.dev._internal.function.options import Batch
from inngest.dev._internal.model.ids import new_job_id
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Collected, Event, Gate, Item, Json, Transition


def collect(
    function_id: str, batch: Batch, event: Event, state: State, now: int
) -> tuple[Transition, list[Event]]:
    """Add an event to its batch. Returns the batch's events if it is now full, else none."""
    key = key_of(batch.key, event, now)
    kept = state.gate("batch", function_id, key)
    change = Transition()
    if kept is None:
        kept = {"job": new_job_id(), "count": 0}
        change.items.append(_timer(kept["job"], function_id, key, now + batch.timeout))
    count = _count_of(kept) + 1
    if count >= batch.size:
        change.items.clear()
        change.drops.append(kept["job"])
        change.gates.append(Gate(kind="batch", function_id=function_id, key=key, state=None))
        ids = collected(function_id, key, state)
        return change, [*(found for each in ids if (found := state.event(each))), event]
    remembered = {**kept, "count": count}
    change.gates.append(Gate(kind="batch", function_id=function_id, key=key, state=remembered))
    place = Collected(function_id=function_id, key=key, place=count, event_id=event.internal_id)
    change.collected.append(place)
    return change, []


def collected(function_id: str, key: str, state: State) -> list[str]:
    """Return the internal ids of the events in an open batch."""
    kept = state.gate("batch", function_id, key) or {}
    return [*kept.get("events", ()), *state.collected(function_id, key)]


def _count_of(kept: Json) -> int:
    """Return the size of the batch. Earlier versions kept its events in the gate."""
    count: int = kept["count"] if "count" in kept else len(kept["events"])
    return count


def _timer(job_id: str, function_id: str, key: str, due: int) -> Item:
    return Item(
        job_id=job_id,
        run_id="",
        function_id=function_id,
        kind="batch",
        step_id="",
        due=due,
        match=key,
    )
