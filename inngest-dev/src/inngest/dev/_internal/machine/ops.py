"""Read and validate the operations that an app reports. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from inngest.dev._internal.machine.fetching import read_request
from inngest.dev._internal.model.durations import YEAR, parse_deadline
from inngest.dev._internal.model.strict import clean
from inngest.dev._internal.model.values import DISCOVERY, Json, Step
from inngest.dev._internal.protocol.answer import Errored, Reported, transport_error

_OPS = {
    name.lower(): name
    for name in (
        "StepRun", "Step", "StepError", "StepFailed", "StepPlanned", "Sleep", "WaitForEvent",
        "InvokeFunction", "RunComplete", "DiscoveryRequest", "None", "WaitForSignal", "Gateway",
        "AIGateway", "DeferAdd", "DeferAbort", "SyncRunComplete",
    )
}  # fmt: skip
_STEP_ID = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
RESULTS = ("StepRun", "Step", "StepError", "StepFailed")
"""Operations of steps that the app has executed. `Step` is the older `StepRun`."""
COMPLETE = ("RunComplete", "SyncRunComplete")
NO_STEPS = ("None", "DiscoveryRequest", "DeferAdd", "DeferAbort", *COMPLETE)
"""Operations that are not steps, and do not count towards the step limit."""
_TIMED = ("Sleep", "WaitForEvent", "WaitForSignal", "InvokeFunction")


def opcode_of(op: Mapping[str, Json]) -> str:
    """Normalize the case of a known opcode: servers ignore it."""
    return _OPS[op["op"].lower()]


def is_known(op: Mapping[str, Json]) -> bool:
    """Return whether the opcode is known."""
    opcode = op.get("op")
    return isinstance(opcode, str) and opcode.lower() in _OPS


def label_of(op: Mapping[str, Json]) -> str:
    """Return the step's display name."""
    return clean(str(op.get("displayName") or op.get("name") or op["id"]))


def data_of(op: Mapping[str, Json]) -> Json:
    """Return a step's output. The older `Step` wraps it in an object."""
    data = op.get("data")
    if opcode_of(op) == "Step" and isinstance(data, dict) and set(data) == {"data"}:
        return data["data"]
    return data


def pending_step(op: Mapping[str, Json], opcode: str, created_at: int) -> Step:
    """Return an operation's step in the pending state."""
    return Step(
        id=op["id"],
        name=label_of(op),
        op=opcode,
        state="pending",
        created_at=created_at,
        arguments=arguments_of(op),
    )


def invalid(answer: Reported, now: int) -> Errored | None:
    """Return the error that makes the whole answer unusable, if any: then the attempt fails."""
    for op in answer.ops:
        if not is_known(op):
            return transport_error(f"unknown step operation {op.get('op')!r}")
        name = opcode_of(op)
        if not isinstance(op.get("opts"), dict | None):
            return transport_error(f"opts of step operation {name} is not an object")
        if name == "None":
            continue
        problem = _problem(name, op)
        if problem is not None:
            return transport_error(problem)
        if name in _TIMED and due_of(name, op, now) is None:
            failed = transport_error(f"cannot read the duration of step operation {name}")
            # the server records an answer's version before it reads durations
            return replace(failed, version=answer.version)
    return None


def _problem(name: str, op: Mapping[str, Json]) -> str | None:
    if name in ("DiscoveryRequest", "DeferAbort", *COMPLETE):
        return None
    if not has_usable_id(op):
        return f"step operation {name} has no usable id"
    if name == "StepError" and not isinstance(op.get("error"), dict):
        return "a StepError without error"
    if name == "WaitForEvent" and not awaited(op):
        return "a WaitForEvent without an event name"
    if name == "WaitForSignal" and not signal_of(op):
        return "a WaitForSignal without a signal"
    if name in ("Gateway", "AIGateway"):
        request = read_request(name, op.get("opts") or {})
        return request if isinstance(request, str) else None
    return None


def has_usable_id(op: Mapping[str, Json]) -> bool:
    """Return whether the id can name a step; that of discoveries cannot."""
    step_id = op.get("id")
    return isinstance(step_id, str) and bool(_STEP_ID.fullmatch(step_id)) and step_id != DISCOVERY


def awaited(op: Mapping[str, Json]) -> str:
    """Return the name of the event that the step waits for; empty if missing."""
    name = (op.get("opts") or {}).get("event") or op.get("name")
    return clean(name) if isinstance(name, str) else ""


def arguments_of(op: Mapping[str, Json]) -> list[Json] | None:
    """Return the step's arguments, if the app reports them. A rerun may replace them."""
    given = (op.get("opts") or {}).get("input")
    return given if isinstance(given, list) else None


def signal_of(op: Mapping[str, Json]) -> str:
    """Return the name of the signal that the step waits for; empty if missing."""
    name = (op.get("opts") or {}).get("signal") or op.get("name")
    return clean(name) if isinstance(name, str) else ""


def due_of(name: str, op: Mapping[str, Json], now: int) -> int | None:
    """Return when a sleep or the timeout of a wait ends; None if it cannot be parsed."""
    opts = op.get("opts") or {}
    text = opts.get("timeout")
    if name == "Sleep":
        text = opts.get("duration") or op.get("name") or "?"
    if not text:
        return now if name in ("Sleep", "WaitForEvent") else now + YEAR
    due = parse_deadline(text, now) if isinstance(text, str) else None
    return None if due is None else max(due, now)
