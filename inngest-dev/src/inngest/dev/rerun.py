"""Start a run once more, from its beginning or from one of its steps. Pure.

Limits: the steps that were done before the chosen one are taken over as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inngest.dev.model import Function, Json, Run, Step, Transition
from inngest.dev.runs import start


def rerun(
    run: Run,
    function: Function,
    now: int,
    from_step: str | None = None,
    step_input: Sequence[Json] | None = None,
) -> Transition:
    """A new run of the same events. Whatever is due of it is due now.

    :param step_input: the arguments of `from_step`, instead of those in the code.
    """
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
    if step_input is not None:
        name, memo = run.steps[from_step].name, {"input": list(step_input)}
        again.steps[from_step] = Step(
            id=from_step, name=name, op="StepPlanned", state="pending", created_at=now, memo=memo
        )
        change.items = [
            replace(item, step_id=from_step) if item.kind == "call" else item
            for item in change.items
        ]
    return change
