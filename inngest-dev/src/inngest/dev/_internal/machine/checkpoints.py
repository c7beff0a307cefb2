"""Checkpoints: steps that a call reports while it runs. Pure: no I/O, no clock.

A checkpoint stores the results of steps and schedules nothing: the answer to the call does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inngest.dev._internal.machine import deferred
from inngest.dev._internal.machine.ops import (
    COMPLETE,
    data_of,
    has_usable_id,
    is_known,
    opcode_of,
    pending_step,
)
from inngest.dev._internal.machine.report import MAX_STEP_OUTPUT, MAX_STEPS
from inngest.dev._internal.machine.runs import settle_step
from inngest.dev._internal.model.durations import LONGEST
from inngest.dev._internal.model.ids import NIL
from inngest.dev._internal.model.strict import size_of
from inngest.dev._internal.model.values import Function, Item, Json, Run, Step, Transition

STALE_AFTER = 10_000
"""Milliseconds. A checkpoint of another generation is refused once its call is this old."""

_STORED = ("StepRun", "Step")
_ASYNC = (
    "StepError", "StepFailed", "Sleep", "WaitForEvent", "InvokeFunction", "WaitForSignal",
    "Gateway", "AIGateway",
)  # fmt: skip
"""Operations that the server calls asynchronous: they need scheduling."""
_ALLOWED = (*_STORED, "StepPlanned", "DeferAdd", "DeferAbort")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why nothing of a checkpoint was stored."""

    status: int
    message: str
    names_run: bool = True
    """Whether the server's answer includes the run id."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The change a checkpoint makes, the steps that it ends, and its call, if known."""

    change: Transition
    ended: list[Step]
    item: Item | None


def record(
    run: Run | None,
    function: Function | None,
    body: Json,
    item_of: Callable[[str], Item | None],
    now: int,
) -> Recorded | Rejected:
    """Read a checkpoint. If a step has several results, the first one counts.

    :param item_of: returns the item of a job, if it is in the queue.
    """
    steps = _steps(body)
    if isinstance(steps, Rejected):
        return steps
    if run is None or run.ended or function is None:
        return Rejected(400, "run not found in state store")
    item = item_of(_job_id(body.get("qi_id")))
    stale = None if item is None else _stale(body, item, now)
    if stale is not None:
        return stale
    change = Transition(runs=[run])
    finished = {step.id for step in run.steps.values() if step.state != "pending"}
    fresh = [op for op in steps if opcode_of(op) in _STORED and op["id"] not in run.steps]
    if len(run.steps) + len({op["id"] for op in fresh}) > MAX_STEPS:
        return Rejected(413, f"the run exceeds the step limit of {MAX_STEPS} steps")
    for op in fresh:
        if size_of(op.get("data")) > MAX_STEP_OUTPUT:
            reason = "step output size is greater than the limit"
            return Rejected(413, f"step {op['id']} output too large: {reason}")
    for op in steps:
        match opcode_of(op):
            case "StepRun" | "Step":
                settle(change, run, op, {"data": data_of(op)}, now)
            case "DeferAdd":
                deferred.add(run, function, op, now)
            case "DeferAbort":
                deferred.abort(run, op)
    ended = [step for step in run.steps.values() if step.state != "pending"]
    return Recorded(change, [step for step in ended if step.id not in finished], item)


def _steps(body: Json) -> list[dict[str, Json]] | Rejected:
    """Return the operations of a checkpoint, or why it is rejected."""
    if not isinstance(body, dict):
        return Rejected(400, "invalid request body: not an object", names_run=False)
    function_id = body.get("fn_id", NIL)
    if not isinstance(function_id, str) or not _UUID.fullmatch(function_id):
        length = f"invalid UUID length: {len(str(function_id))}"
        return Rejected(400, f"invalid request body: {length}", names_run=False)
    steps = body.get("steps")
    if steps is None:
        return []
    if not isinstance(steps, list) or not all(isinstance(op, dict) for op in steps):
        return Rejected(400, "invalid request body: steps is not a list", names_run=False)
    for op in steps:
        opcode = opcode_of(op) if is_known(op) else None
        if opcode in _ASYNC:
            return Rejected(400, "cannot checkpoint async steps")
        if opcode in COMPLETE:
            return Rejected(400, f"cannot checkpoint opcode: {opcode}")
        if opcode not in _ALLOWED:
            message = f"invalid request body: {op.get('op')} does not belong to Opcode values"
            return Rejected(400, message, names_run=False)
        if not has_usable_id(op):
            message = "invalid request body: a step has no usable id"
            return Rejected(400, message, names_run=False)
        if not isinstance(op.get("opts"), dict | None):
            message = "invalid request body: opts of a step is not an object"
            return Rejected(400, message, names_run=False)
    return steps


def _stale(body: Mapping[str, Json], item: Item, now: int) -> Rejected | None:
    """Reject a late checkpoint of an attempt that was given up and is being retried."""
    generation, started = body.get("generation_id"), body.get("request_started_at")
    is_old = not isinstance(started, int) or now - started >= STALE_AFTER
    if not isinstance(generation, int) or not generation or not is_old:
        return None
    if generation == item.generation:
        return None
    message = (
        f"stale dispatch: dispatch generation {generation} does not match "
        f"queue item generation {item.generation}"
    )
    return Rejected(409, message)


def _job_id(queue_item: Json) -> str:
    try:
        text = base64.b64decode(str(queue_item), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text.removesuffix("::default")


def settle(change: Transition, run: Run, op: Mapping[str, Json], memo: Json, now: int) -> None:
    """Store the result of a step that the app executed before it continued."""
    step_id = op["id"]
    if step_id not in run.steps:
        run.steps[step_id] = pending_step(op, "StepRun", now - _duration(op))
    settle_step(change, run, step_id, memo, now)


def _duration(op: Mapping[str, Json]) -> int:
    """Return how many milliseconds the step ran, if the app says so; at most a year."""
    timing = op.get("timing")
    nanoseconds = timing.get("b") if isinstance(timing, dict) else None
    if not isinstance(nanoseconds, int) or nanoseconds < 0:
        return 0
    return min(nanoseconds // 1_000_000, LONGEST)
