"""Start a run once more, from its beginning or from one of its steps. Pure.

Limits: the steps that were done before the chosen one are taken over as they are; the
input of a step is not edited.
"""

from __future__ import annotations

from dataclasses import replace

from inngest.dev.model import Function, Run, Transition
from inngest.dev.runs import start


def rerun(run: Run, function: Function, now: int, from_step: str | None = None) -> Transition:
    """A new run of the same events. Whatever is due of it is due now."""
    change = start(run.events, function, now)
    (again,) = change.runs
    change.items = [
        replace(item, due=now) if item.kind == "call" else item for item in change.items
    ]
    if from_step is None or from_step not in run.stack:
        return change
    for step_id in run.stack[: run.stack.index(from_step)]:
        again.steps[step_id] = replace(run.steps[step_id], dirty=True)
        again.stack.append(step_id)
    again.version = run.version
    return change
