"""Start, resume and end runs. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from inngest.dev._internal.flow_control.keys import holds, keys_of, priority_of, single_of
from inngest.dev._internal.flow_control.lanes import run_lane
from inngest.dev._internal.flow_control.timeouts import timeout
from inngest.dev._internal.machine.deferred import schedule
from inngest.dev._internal.model.ids import new_job_id, new_ulid
from inngest.dev._internal.model.values import (
    CANCELLED_EVENT,
    DISCOVERY,
    FAILED_EVENT,
    FINISHED_EVENT,
    TIMEOUTS,
    Event,
    Function,
    Item,
    Json,
    Run,
    RunStatus,
    Transition,
    server_error,
)
from inngest.dev._internal.protocol.answer import Errored, public_error


def start(events: Sequence[Event], function: Function, now: int) -> Transition:
    """Start a run with these events. A future `ts` of the first one delays the first call."""
    options, event = function.options, events[0]
    run = Run(
        id=new_ulid(now),
        function_id=function.id,
        events=tuple(events),
        status="Scheduled",
        created_at=now,
        keys=keys_of(options, event, now),
        priority=priority_of(options, event, now),
    )
    run.lane, run.single = run_lane(function, run), single_of(options, run)
    due = max(now, int(event.body["ts"]))
    change = Transition(runs=[run], items=[replace(discovery(run, due), priority=run.priority)])
    if options.start_timeout is not None:
        change.items.append(timeout(run, "start_timeout", due + options.start_timeout))
    return change


def discovery(run: Run, due: int, *, plan_only: bool = False) -> Item:
    """Return a call that replays the function to discover its next steps."""
    return Item(
        job_id=new_job_id(),
        run_id=run.id,
        kind="call",
        step_id=DISCOVERY,
        due=due,
        current=len(run.stack),
        plan_only=plan_only or run.plan_only,
    )


def settle_step(change: Transition, run: Run, step_id: str, memo: Json, now: int) -> None:
    """Store the result of a step, unless it already has one."""
    if run.steps[step_id].state != "pending":
        return
    step = run.changing(step_id)
    failed = isinstance(memo, dict) and set(memo) == {"error"} and step.op != "WaitForEvent"
    step.state, step.memo, step.ended_at = "failed" if failed else "completed", memo, now
    step.dirty = True
    run.stack.append(step_id)
    _touch(change, run)


def resume(
    change: Transition,
    run: Run,
    now: int,
    *,
    race: bool,
    member: bool,
    plan_only: bool = False,
) -> None:
    """Queue the next discovery after a step has ended, if none of its group is pending.

    In a race, with protocol version 1, or after a step reported alone, always queue it.

    :param member: whether the step was pending before its result, as in a group.
    """
    if run.version == 1 or race or not member or not run.has_pending:
        change.items.append(discovery(run, now, plan_only=plan_only))


def wake(item: Item, run: Run, memo: Json, now: int) -> Transition:
    """End a sleep, wait, invoke or request with this memo, and resume the run."""
    change = Transition(drops=[item.job_id])
    if run.ended:
        return change
    step = run.steps.get(item.step_id)
    if step is None or step.state != "pending":
        # An answer has already ended the step. Mark the run as changed nevertheless: if this was
        # the last item that would resume it, the ledger queues a discovery.
        change.runs.append(run)
        return change
    settle_step(change, run, item.step_id, memo, now)
    resume(change, run, now, race=item.race, member=True)
    return change


def timer(item: Item, run: Run, now: int) -> Transition:
    """Apply a sleep, wait, invoke or timeout that fell due to its run."""
    if item.kind in TIMEOUTS:
        change = Transition(drops=[item.job_id])
        late = item.kind == "finish_timeout" or run.started_at is None
        if late and not run.ended:
            end(change, run, "Cancelled", now)
        return change
    memo: Json = None
    if item.kind == "invoke":
        message = "Timed out waiting for invoked function to complete"
        memo = server_error("InngestInvokeTimeoutError", message)
    return wake(item, run, memo, now)


def fulfil(
    event: Event, items: Sequence[Item], load: Callable[[str], Run | None], now: int
) -> list[Transition]:
    """Resolve the waits for this event, and the invokes whose function it reports as ended.

    :param items: candidates; their conditions are evaluated here.
    """
    changes = []
    loaded: dict[str, Run] = {}
    for item in items:
        run = loaded.get(item.run_id) or load(item.run_id)
        if run is None:
            changes.append(Transition(drops=[item.job_id]))
            continue
        loaded[run.id] = run
        memo: Json = event.wire()
        if item.kind == "invoke":
            memo = invoke_memo(event)
        elif any(event.internal_id == own.internal_id for own in run.events) or (
            item.condition and not holds(item.condition, run.event, now, event)
        ):
            continue
        changes.append(wake(item, run, memo, now))
    return changes


def invoke_memo(finished: Event) -> Json:
    """Return the memo of an invoke step, given the event that its function finished."""
    data = finished.body["data"]
    status = finished.inner.get("status")
    if status == "Completed":
        return {"data": data.get("result")}
    if status == "Failed":
        return {"error": data.get("error")}
    return finished.wire()


def end(
    change: Transition, run: Run, status: RunStatus, now: int, answer: Errored | Json = None
) -> None:
    """End a run: drop its items, and emit internal events."""
    run.status, run.ended_at = status, now
    run.started_at = run.started_at or now
    data: dict[str, Json] = {
        "_inngest": {"status": status},
        "function_id": run.function_id,
        "run_id": run.id,
        "event": run.event.wire(),
        "events": [dict(each.body) for each in run.events],
    }
    invocations = run.correlation_ids
    if invocations:
        data["correlation_id"] = invocations[0]
    if isinstance(answer, Errored):
        run.output = answer.body
        data |= {"result": answer.body, "error": public_error(answer)}
    elif status == "Completed":
        run.output = answer
        data["result"] = answer
    _touch(change, run)
    change.items = [i for i in change.items if i.run_id != run.id]
    change.events += schedule(run, now)
    if run.event.name in (FINISHED_EVENT, FAILED_EVENT):
        return
    change.events.append(internal_event(FINISHED_EVENT, data, now))
    # a batch may hold several invocations, each with a waiting step
    for other in invocations[1:]:
        data_for_other = {**data, "correlation_id": other}
        change.events.append(internal_event(FINISHED_EVENT, data_for_other, now))
    if status == "Failed":
        change.events.append(internal_event(FAILED_EVENT, data, now, key=run.id))
    if status == "Cancelled":
        change.events.append(internal_event(CANCELLED_EVENT, data, now, key=run.id))


def cancel(run: Run, now: int) -> Transition:
    """Cancel a run, unless it has ended."""
    change = Transition()
    if not run.ended:
        end(change, run, "Cancelled", now)
    return change


def internal_event(
    name: str, data: Mapping[str, Json], now: int, *, key: str | None = None, **extra: Json
) -> Event:
    internal_id = new_ulid(now)
    body = {"name": name, "data": dict(data), "id": key or internal_id, "ts": now, **extra}
    return Event(internal_id=internal_id, received_at=now, body=body)


def _touch(change: Transition, run: Run) -> None:
    if all(run is not other for other in change.runs):
        change.runs.append(run)
