"""Encode what came of a call (PROTOCOL section 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic_core import to_json

from inngest._internal.errors import Error
from inngest._internal.op import ErrorData, Op
from inngest._internal.protocol import headers

_to_text = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode

RETURNED = 200
"""The status of an answer with the function's result."""


@dataclass(slots=True, kw_only=True)  # not frozen: see op.py
class Answer:
    """A status, a JSON body, and the headers that belong to this outcome."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    timings: Sequence[tuple[str, float]] = ()
    """Parts of the call, and the seconds that each took, for the header Server-Timing."""


def dump(value: object) -> bytes:
    """JSON as this package writes it: compact, UTF-8, strict."""
    return _to_text(value).encode("utf-8", "backslashreplace")


def function_returned(data: str) -> Answer:
    """The function is done; ``data`` is its result as JSON text."""
    return Answer(status=RETURNED, body=data.encode("utf-8", "backslashreplace"))


def steps_reported(ops: Sequence[Op]) -> Answer:
    """Steps were found, planned or run."""
    extra: dict[str, str] = {}
    for op in ops:
        if not op.is_retriable:
            extra[headers.NO_RETRY] = "true"
        if op.retry_after is not None:
            extra[headers.RETRY_AFTER] = op.retry_after
    return Answer(status=206, body=encode_ops(ops), headers=extra)


def encode_ops(ops: Sequence[Op]) -> bytes:
    """A JSON list of operations."""
    return b"[" + b",".join(map(_op, ops)) + b"]"


def function_failed(
    error: ErrorData, *, is_retriable: bool, retry_after: str | None = None
) -> Answer:
    """The user's function raised."""
    extra: dict[str, str] = {}
    if not is_retriable:
        extra[headers.NO_RETRY] = "true"
    elif retry_after is not None:
        extra[headers.RETRY_AFTER] = retry_after
    return Answer(status=500, body=dump(_error(error)), headers=extra)


def refused(error: Error) -> Answer:
    """The request could not be served; the error says why."""
    extra = {} if error.is_retriable else {headers.NO_RETRY: "true"}
    body = {"code": error.code, "message": error.message, "name": error.name}
    return Answer(status=error.answer_status, body=dump(body), headers=extra)


def _op(op: Op) -> bytes:
    wire: dict[str, object] = {
        "displayName": op.step.id if op.display_name is None else op.display_name,
        "id": op.step.hashed,
        "name": op.name,
        "op": op.opcode.value,
        "opts": op.opts,
        "userland": {"id": op.step.id, "index": op.step.index or None},
    }
    if op.timing is not None:
        wire["timing"] = {"a": op.timing[0], "b": op.timing[1]}
    if op.error is not None:
        wire["error"] = _error(op.error) | ({} if op.is_retriable else {"noRetry": True})
    encoded = dump(wire) if op.opts else _dump_text(wire)
    return encoded[:-1] + b',"data":' + op.data.encode("utf-8", "backslashreplace") + b"}"


def _dump_text(wire: Mapping[str, object]) -> bytes:
    """The same, faster, for what holds no numbers but whole ones."""
    try:
        return to_json(wire)
    except ValueError:  # half a surrogate pair
        return dump(wire)


def _error(error: ErrorData) -> dict[str, object]:
    wire: dict[str, object] = {"code": error.code, "message": error.message, "name": error.name}
    if error.stack is not None:
        wire["stack"] = error.stack
    return wire
