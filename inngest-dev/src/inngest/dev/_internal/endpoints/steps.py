"""Apply the steps that the app of a durable endpoint records while it answers its client. Pure.

As long as it records steps that have ended, the app goes on by itself, and the engine only puts
off the call that it makes if the app falls silent. A step that only the engine can carry out or
try again, such as a sleep, makes the engine take the run over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inngest.dev._internal.endpoints.requests import SILENCE
from inngest.dev._internal.machine import deferred
from inngest.dev._internal.machine.checkpoints import settle
from inngest.dev._internal.machine.endpoint import finish, is_takeover
from inngest.dev._internal.machine.ops import data_of, invalid, opcode_of
from inngest.dev._internal.machine.report import MAX_STEP_OUTPUT, MAX_STEPS, Report, failure_memo
from inngest.dev._internal.machine.retries import Delay
from inngest.dev._internal.machine.runs import discovery
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.strict import size_of
from inngest.dev._internal.model.values import Function, Item, Json, Run, Transition
from inngest.dev._internal.protocol.answer import Reported

DONE = ("StepRun", "Step", "StepFailed")
_NO_STEPS = ("None", "DeferAdd", "DeferAbort", "SyncRunComplete")


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why nothing of what was recorded is applied."""

    reason: str


def record(
    run: Run,
    function: Function,
    steps: Sequence[dict[str, Json]],
    items: Sequence[Item],
    *,
    state: State,
    delay: Delay,
    now: int,
) -> Transition | Unusable:
    """Apply steps to a run that has not ended. ``items`` are those that the queue has of it."""
    problem = _problem(run, steps, now)
    if problem is not None:
        return Unusable(problem)
    change = Transition(runs=[run])
    ours: list[dict[str, Json]] = []
    for op in steps:
        match opcode_of(op):
            case "RunComplete":
                finish(change, run, op.get("data"), now)
                return change
            case "DeferAdd":
                deferred.add(run, function, op, now)
            case "DeferAbort":
                deferred.abort(run, op)
            case name if name in DONE or (name == "StepError" and function.max_attempts == 1):
                is_done = name in ("StepRun", "Step")
                memo = {"data": data_of(op)} if is_done else {"error": failure_memo(op)}
                settle(change, run, op, memo, now)
            case name if name not in _NO_STEPS:
                ours.append(op)
    waiting = [item for item in items if is_takeover(item)]
    if not ours:
        change.items += [replace(item, due=now + SILENCE) for item in waiting]
        return change
    change.drops += [item.job_id for item in waiting]
    failed = [op for op in ours if opcode_of(op) == "StepError"]
    change.items += [_again(run, delay, now) for _ in failed[:1]]
    others = [op for op in ours if opcode_of(op) != "StepError"]
    if others:
        item = discovery(run, now)
        report = Report(
            change, run, item, Reported(ops=others), function=function, state=state,
            delay=delay, now=now, is_group=len(steps) > 1,
        )  # fmt: skip
        report.apply()
    return change


def _problem(run: Run, steps: Sequence[dict[str, Json]], now: int) -> str | None:
    unreadable = invalid(Reported(ops=list(steps)), now)
    if unreadable is not None:
        return unreadable.text
    if len({str(op.get("id")) for op in steps} | set(run.steps)) > MAX_STEPS:
        return f"the run exceeds the step limit of {MAX_STEPS} steps"
    for op in steps:
        if size_of(op.get("data")) > MAX_STEP_OUTPUT:
            return f"step {op.get('displayName') or op.get('id')}: its output is greater than the limit"
    return None


def _again(run: Run, delay: Delay, now: int) -> Item:
    """The call that tries a failed step once more."""
    return replace(discovery(run, now + delay(0)), attempt=1)
