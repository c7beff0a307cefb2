"""The timeouts of runs: until the first call, and from it to the end. Pure."""

from __future__ import annotations

from typing import Literal

from inngest.dev._internal.model.ids import new_job_id
from inngest.dev._internal.model.values import Function, Item, Run, Transition


def dispatched(change: Transition, run: Run, function: Function, now: int) -> None:
    """Mark a run as started, as its first call is about to be made."""
    run.status, run.started_at = "Running", now
    change.runs.append(run)
    if function.options.finish_timeout is not None:
        change.items.append(timeout(run, "finish_timeout", now + function.options.finish_timeout))


def timeout(run: Run, kind: Literal["start_timeout", "finish_timeout"], due: int) -> Item:
    return Item(job_id=new_job_id(), run_id=run.id, kind=kind, step_id="", due=due)
