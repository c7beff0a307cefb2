"""Collect events for one run: until there are enough of them, or for so long. Pure."""

from __future__ import annotations

from inngest.dev._internal.flow_control.keys import key_of
from inngest.dev._internal.function.options import Batch
from inngest.dev._internal.model.ids import new_job_id
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Event, Gate, Item, Transition


def collect(
    function_id: str, batch: Batch, event: Event, state: State, now: int
) -> tuple[Transition, list[Event]]:
    """Add an event. The events of the batch when it is full, else none."""
    key = key_of(batch.key, event, now)
    kept = state.gate("batch", function_id, key)
    change = Transition()
    if kept is None:
        job_id = new_job_id()
        kept = {"events": [], "job": job_id}
        change.items.append(
            Item(
                job_id=job_id,
                run_id="",
                function_id=function_id,
                kind="batch",
                step_id="",
                due=now + batch.timeout,
                match=key,
            )
        )
    if event.internal_id in kept["events"]:
        return change, []
    ids = [*kept["events"], event.internal_id]
    full = len(ids) >= batch.size
    remembered = None if full else {**kept, "events": ids}
    change.gates.append(Gate(kind="batch", function_id=function_id, key=key, state=remembered))
    if not full:
        return change, []
    change.items.clear()
    change.drops.append(kept["job"])
    return change, [found for each in ids if (found := state.event(each)) is not None]
