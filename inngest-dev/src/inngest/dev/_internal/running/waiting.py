"""Wait until a run has ended, and explain why it has not."""

from __future__ import annotations

import asyncio

from inngest.dev._internal.clock import Clock, VirtualClock
from inngest.dev._internal.machine.reception import triggered
from inngest.dev._internal.model.values import Run
from inngest.dev._internal.running.watchers import Watchers
from inngest.dev._internal.store.store import Store


async def ended(wanted: str, timeout: float, store: Store, watchers: Watchers) -> Run | None:
    """Wait until the run with the id `wanted` has ended, and return it.

    Given the id of an event, wait until all of its runs have ended, and return the first. None
    after `timeout` seconds, or if the engine stops.
    """
    try:
        return await asyncio.wait_for(_ended(wanted, store, watchers), timeout)
    except asyncio.TimeoutError:
        return None


async def _ended(wanted: str, store: Store, watchers: Watchers) -> Run | None:
    with watchers.waiting(wanted) as change:
        while not watchers.are_dismissed:
            change.clear()
            runs = _runs(wanted, store)
            if runs and all(run.ended for run in runs):
                return runs[-1]
            await change.wait()
    return None


def why_unended(wanted: str, store: Store, clock: Clock) -> str:
    """Return a message that says why `ended` timed out."""
    event, runs = store.event(wanted), _runs(wanted, store)
    if runs:
        active = [run for run in runs if not run.ended]
        why = ", ".join(f"{run.id} of {run.function_id} is {run.status}" for run in active)
    elif event is None:
        return "there is neither an event nor a run of this id"
    elif not triggered(event, store, clock.now()):
        return f'this event, "{event.name}", triggers no function that is registered'
    else:
        why = (
            f'nothing that this event, "{event.name}", triggers has begun: a limit holds it '
            "back or has dropped it, or the event's id has come before"
        )
    stands = isinstance(clock, VirtualClock) and not clock.is_auto
    return f"{why}; the clock stands until it is advanced" if stands else why


def _runs(wanted: str, store: Store) -> list[Run]:
    run = store.run(wanted)
    return [run] if run is not None else store.runs(event_id=wanted)
