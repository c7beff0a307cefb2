"""Rerun a run, from its beginning or from one of its steps. Pure.

The results of the steps that ended before the chosen one are copied into the new run. If the
chosen step is given other arguments, the first call targets it by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inngest.dev._internal.machine.runs import start
from inngest.dev._internal.model.values import Function, Json, Run, Step, Transition


def rerun(
    run: Run,
    function: Function,
    now: int,
    from_step: str | None = None,
    arguments: Sequence[Json] | None = None,
) -> Transition:
    """Start a new run of the same events. Its first call is due now, ignoring their `ts`."""
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
    if arguments is None:
        again.version = run.version
    else:
        again.steps[from_step] = _planned(run.steps[from_step], arguments, now)
        change.items = [
            replace(item, step_id=from_step) if item.kind == "call" else item
            for item in change.items
        ]
    return change


def _planned(step: Step, arguments: Sequence[Json], now: int) -> Step:
    return Step(
        id=step.id,
        name=step.name,
        op="StepPlanned",
        state="pending",
        created_at=now,
        memo={"input": list(arguments)},
        arguments=list(arguments),
    )
