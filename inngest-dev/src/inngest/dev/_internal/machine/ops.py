"""Read the operations of an answer, and say which of them cannot be used. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from inngest.dev._internal.machine.fetching import read_request
from inngest.dev._internal.model.durations import YEAR, parse_deadline
from inngest.dev._internal.model.strict import clean
from inngest.dev._internal.model.values import DISCOVERY, Json
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
COMPLETE = ("RunComplete", "SyncRunComplete")
UNCOUNTED = ("None", "DiscoveryRequest", "DeferAdd", "DeferAbort", *COMPLETE)
_TIMED = ("Sleep", "WaitForEvent", "WaitForSignal", "InvokeFunction")


def name_of(op: Mapping[str, Json]) -> str:
    return _OPS[str(op["op"]).lower()]


def invalid(answer: Reported, now: int) -> Errored | None:
    """What makes the whole answer unusable: the attempt fails, and nothing of it is applied."""
    for op in answer.ops:
        raw = op.get("op")
        if not isinstance(raw, str) or raw.lower() not in _OPS:
            return transport_error(f"unknown step operation {raw!r}")
        name = name_of(op)
        if not isinstance(op.get("opts"), dict | None):
            return transport_error(f"opts of step operation {name} is not an object")
        if name == "None":
            continue
        problem = _problem(name, op)
        if problem is not None:
            return transport_error(problem)
        if name in _TIMED and due_of(name, op, now) is None:
            failed = transport_error(f"cannot read the duration of step operation {name}")
            # the server finds this out later than the rest, when it has noted the version
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
    """That of a discovery names no step."""
    step_id = op.get("id")
    return isinstance(step_id, str) and bool(_STEP_ID.fullmatch(step_id)) and step_id != DISCOVERY


def awaited(op: Mapping[str, Json]) -> str:
    name = (op.get("opts") or {}).get("event") or op.get("name")
    return clean(name) if isinstance(name, str) else ""


def arguments_of(op: Mapping[str, Json]) -> list[Json] | None:
    """What the code of a step was called with: it can be edited in a rerun."""
    given = (op.get("opts") or {}).get("input")
    return given if isinstance(given, list) else None


def signal_of(op: Mapping[str, Json]) -> str:
    name = (op.get("opts") or {}).get("signal") or op.get("name")
    return clean(name) if isinstance(name, str) else ""


def due_of(name: str, op: Mapping[str, Json], now: int) -> int | None:
    """When the operation is over by itself; None when its text is unreadable."""
    opts = op.get("opts") or {}
    text = opts.get("timeout")
    if name == "Sleep":
        text = opts.get("duration") or op.get("name") or "?"
    if not text:
        return now if name in ("Sleep", "WaitForEvent") else now + YEAR
    due = parse_deadline(text, now) if isinstance(text, str) else None
    return None if due is None else max(due, now)
