"""Read the operations of an answer, and say which of them cannot be used. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from inngest.dev.answer import Errored, Reported, transport_error
from inngest.dev.durations import YEAR, parse_deadline
from inngest.dev.model import DISCOVERY, Json
from inngest.dev.strict import clean

_OPS = {
    name.lower(): name
    for name in (
        "StepRun", "Step", "StepError", "StepFailed", "StepPlanned", "Sleep", "WaitForEvent",
        "InvokeFunction", "RunComplete", "DiscoveryRequest", "None",
    )
}  # fmt: skip
UNSUPPORTED = {
    name.lower(): name
    for name in (
        "WaitForSignal", "Gateway", "AIGateway", "DeferAdd", "DeferAbort", "SyncRunComplete",
    )
}  # fmt: skip
_STEP_ID = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
UNCOUNTED = ("None", "DiscoveryRequest", "RunComplete")


def name_of(op: Mapping[str, Json]) -> str:
    lowered = str(op["op"]).lower()
    return _OPS.get(lowered) or UNSUPPORTED[lowered]


def invalid(answer: Reported, now: int) -> Errored | None:
    """What makes the whole answer unusable: the attempt fails, and nothing of it is applied."""
    for op in answer.ops:
        raw = op.get("op")
        if not isinstance(raw, str) or raw.lower() not in _OPS | UNSUPPORTED:
            return transport_error(f"unknown step operation {raw!r}")
        name = name_of(op)
        if not isinstance(op.get("opts"), dict | None):
            return transport_error(f"opts of step operation {name} is not an object")
        if name in UNCOUNTED or name in UNSUPPORTED.values():
            continue
        if not isinstance(op.get("id"), str) or not _STEP_ID.fullmatch(op["id"]):
            return transport_error(f"step operation {name} has no usable id")
        if op["id"] == DISCOVERY:
            return transport_error(f"step operation {name} has the reserved id 'step'")
        if name == "StepError" and not isinstance(op.get("error"), dict):
            return transport_error("a StepError without error")
        if name == "WaitForEvent" and not awaited(op):
            return transport_error("a WaitForEvent without an event name")
        if name in ("Sleep", "WaitForEvent", "InvokeFunction") and due_of(name, op, now) is None:
            return transport_error(f"cannot read the duration of step operation {name}")
    return None


def awaited(op: Mapping[str, Json]) -> str:
    name = (op.get("opts") or {}).get("event") or op.get("name")
    return clean(name) if isinstance(name, str) else ""


def due_of(name: str, op: Mapping[str, Json], now: int) -> int | None:
    """When the operation is over by itself; None when its text is unreadable."""
    opts = op.get("opts") or {}
    text = opts.get("timeout")
    if name == "Sleep":
        text = opts.get("duration") or op.get("name") or "?"
    if not text:
        return now + YEAR if name == "InvokeFunction" else now
    due = parse_deadline(text, now) if isinstance(text, str) else None
    return None if due is None else max(due, now)
