"""Signals: at most one run waits for each, and undelivered ones are dropped. Pure."""

from __future__ import annotations

from dataclasses import replace

from inngest.dev._internal.machine.runs import wake
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Item, Json, Transition

CONFLICT = "Signal conflict; signal wait already exists for another run"


def give_way(waiting: list[Item]) -> list[Item]:
    """Return the replaced waits, unmatched: they last until their timeout."""
    return [replace(item, match=None) for item in waiting]


def deliver(signal: str, data: Json, state: State, now: int) -> tuple[str, Transition] | None:
    """Return the id of the waiting run and the change; None if no run waits."""
    for item in state.waiting("signal", signal):
        run = state.run(item.run_id)
        if run is not None and not run.ended:
            memo = {"data": {"signal": signal, "data": data}}
            return run.id, wake(item, run, memo, now)
    return None
