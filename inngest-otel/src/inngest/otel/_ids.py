"""Ids of spans, made of what does not change when a call is replayed. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

_CROCKFORD: Final = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_NANOSECONDS_A_MILLISECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Ids:
    """The id of a span, and of its trace should it begin one."""

    span_id: int
    trace_id: int


def run_ids(run_id: str) -> Ids:
    """The ids of a run's span."""
    return _ids(run_id, "run")


def request_ids(run_id: str, request_id: str, attempt: int) -> Ids:
    """The ids of the span of one call from the server."""
    return _ids(run_id, "request", request_id, str(attempt))


def step_ids(run_id: str, hashed_step_id: str, attempt: int) -> Ids:
    """The ids of the span of one attempt of a step."""
    return _ids(run_id, "step", hashed_step_id, str(attempt))


def started_at(run_id: str) -> int | None:
    """When a run was started, in nanoseconds since 1970: a ULID begins with its time."""
    if len(run_id) != 26 or any(digit not in _CROCKFORD for digit in run_id):
        return None
    milliseconds = 0
    for digit in run_id[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD[digit]
    return milliseconds * _NANOSECONDS_A_MILLISECOND


def _ids(run_id: str, *of: str) -> Ids:
    return Ids(_number(8, run_id, *of), _number(16, run_id))


def _number(size: int, *of: str) -> int:
    digest = hashlib.sha256("\0".join(of).encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:size], "big") or 1  # zero is no id


__all__ = ["Ids", "request_ids", "run_ids", "started_at", "step_ids"]
