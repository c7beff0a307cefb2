"""Encode the outcome of a call (PROTOCOL section 10)."""

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
"""The status of a response with the function's result."""


@dataclass(slots=True, kw_only=True)  # not frozen, for speed: see op.py
class Answer:
    """The status, the JSON body, and the specific headers of a response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    timings: Sequence[tuple[str, float]] = ()
    """The parts of the call and their durations in seconds, for ``Server-Timing``."""


def dump(value: object) -> bytes:
    """Encode JSON as all of this SDK's bodies: compact, UTF-8, strict."""
    return _to_text(value).encode("utf-8", "backslashreplace")


def function_returned(data: str) -> Answer:
    """Answer with the function's result, ``data``, which is JSON text."""
    return Answer(status=RETURNED, body=data.encode("utf-8", "backslashreplace"))


def steps_reported(ops: Sequence[Op]) -> Answer:
    """Answer with operations."""
    extra: dict[str, str] = {}
    for op in ops:
        if not op.is_retriable:
            extra[headers.NO_RETRY] = "true"
        if op.retry_after is not None:
            extra[headers.RETRY_AFTER] = op.retry_after
    return Answer(status=206, body=encode_ops(ops), headers=extra)


def encode_ops(ops: Sequence[Op]) -> bytes:
    """Encode a JSON list of operations."""
    return b"[" + b",".join(map(_op, ops)) + b"]"


def function_failed(
    error: ErrorData, *, is_retriable: bool, retry_after: str | None = None
) -> Answer:
    """Answer with the error that the user's function raised."""
    extra: dict[str, str] = {}
    if not is_retriable:
        extra[headers.NO_RETRY] = "true"
    elif retry_after is not None:
        extra[headers.RETRY_AFTER] = retry_after
    return Answer(status=500, body=dump(_error(error)), headers=extra)


def refused(error: Error) -> Answer:
    """Answer a request that could not be served, with the reason."""
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
    """Encode like :func:`dump`, but faster; only for values without floats."""
    try:
        return to_json(wire)
    except ValueError:  # lone surrogates
        return dump(wire)


def _error(error: ErrorData) -> dict[str, object]:
    wire: dict[str, object] = {"code": error.code, "message": error.message, "name": error.name}
    if error.stack is not None:
        wire["stack"] = error.stack
    return wire
