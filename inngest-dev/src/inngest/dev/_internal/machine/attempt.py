"""Decide how the answer to a call changes its run. Pure: no I/O, no clock."""

from __future__ import annotations

from inngest.dev._internal.machine.report import Report
from inngest.dev._internal.machine.retries import Delay, exhausted, retried
from inngest.dev._internal.machine.runs import end
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import Function, Item, Run, Transition
from inngest.dev._internal.protocol.answer import Answer, Errored, Reported, Returned


def respond(
    run: Run,
    item: Item,
    answer: Answer,
    *,
    function: Function | None,
    state: State,
    delay: Delay,
    now: int,
) -> Transition:
    """Return the change that a valid answer to the call `item` makes: see `invalid`."""
    change = Transition(drops=[item.job_id])
    if run.ended:
        return change
    change.runs.append(run)
    match answer:
        case Returned(output=output):
            end(change, run, "Completed", now, output)
        case Errored():
            if answer.version is not None:
                run.version = answer.version
            _fail_attempt(change, run, item, answer, function, delay, now)
        case Reported():
            if answer.ops and answer.version is not None and answer.version >= 0:
                run.version = answer.version
            report = Report(
                change, run, item, answer, function=function, state=state, delay=delay, now=now
            )
            report.apply()
    return change


def _fail_attempt(
    change: Transition,
    run: Run,
    item: Item,
    answer: Errored,
    function: Function | None,
    delay: Delay,
    now: int,
) -> None:
    if answer.no_retry or exhausted(item, function):
        end(change, run, "Failed", now, answer)
    else:
        change.drops.remove(item.job_id)
        change.items.append(retried(item, answer.retry_after, delay, now))
