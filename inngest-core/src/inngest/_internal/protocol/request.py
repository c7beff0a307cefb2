"""Decode calls from the server. Unknown fields are ignored; the fields in use are validated."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from pydantic_core import from_json

from inngest._internal.errors import BodyInvalidError, BodyTooLargeError
from inngest._internal.event import Event

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Four times the maximum size of a call (PROTOCOL section 22)."""

NO_TARGET = "step"
"""The value of ``stepId`` in calls that do not target a step."""

_FLAG = (bool, type(None))
_TEXT = frozenset({str})


@dataclass(slots=True)  # neither frozen nor kw_only, for speed: see op.py
class CallRequest:
    """A call of a function (PROTOCOL section 8)."""

    run_id: str
    attempt: int
    max_attempts: int | None
    plan_only: bool
    stack: Sequence[str]
    event: Event
    events: list[Event]
    steps: Mapping[str, object]
    use_api: bool
    fn_id: str | None = None
    qi_id: str | None = None
    request_id: str | None = None
    generation_id: int = 0
    defers: Mapping[str, bool] = field(default_factory=dict)
    """Whether each deferred call can be aborted, by hashed id."""

    @property
    def supports_checkpoints(self) -> bool:
        """Whether the server sent the ids that a checkpoint must contain."""
        return self.fn_id is not None and self.qi_id is not None


def decode_call(body: bytes) -> CallRequest | BodyInvalidError:
    """Decode the body of a call. Errors name the field and never quote its value."""
    decoded = decode_json(body)
    if isinstance(decoded, BodyInvalidError):
        return decoded
    if not isinstance(decoded, dict):
        return BodyInvalidError("the body must be a JSON object")
    ctx, event, steps = decoded.get("ctx"), decoded.get("event"), decoded.get("steps")
    if not (isinstance(ctx, dict) and isinstance(event, dict) and isinstance(steps, dict)):
        return BodyInvalidError('the body needs the objects "ctx", "event" and "steps"')
    try:
        return _read(decoded, ctx, event, steps)
    except RecursionError:  # deeper than validation and copying can recurse
        return BodyInvalidError("the body is nested too deeply")


def decode_json(body: bytes) -> object | BodyInvalidError:
    """Decode a JSON body."""
    if len(body) > MAX_BODY_BYTES:
        return BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
    if not body:
        return BodyInvalidError("the body is empty")
    try:
        # Twice as fast as json.loads(), but stricter. Values rarely repeat, so only cache keys.
        parsed: object = from_json(body, cache_strings="keys")
    except ValueError:
        return _decode_leniently(body)
    return parsed


def _decode_leniently(body: bytes) -> object | BodyInvalidError:
    try:
        parsed: object = json.loads(body)
    except RecursionError:
        return BodyInvalidError("the body is nested too deeply")
    except ValueError:
        return BodyInvalidError("the body is not JSON in UTF-8")
    return parsed


def decode_events(raw: object) -> list[Event] | BodyInvalidError:
    """Decode a list of events."""
    if not isinstance(raw, list):
        return BodyInvalidError('"events" must be a list')
    events: list[Event] = []
    for one in raw:
        event = Event.decode(one)
        if isinstance(event, BodyInvalidError):
            return event
        events.append(event)
    return events


def _read(
    body: Mapping[str, object],
    ctx: Mapping[str, object],
    raw_event: Mapping[str, object],
    steps: Mapping[str, object],
) -> CallRequest | BodyInvalidError:
    event = Event.decode(raw_event)
    if isinstance(event, BodyInvalidError):
        return event
    raw_events = body.get("events")
    events = [] if raw_events is None else decode_events(raw_events)
    if isinstance(events, BodyInvalidError):
        return events
    run_id, attempt, max_attempts = ctx.get("run_id"), ctx.get("attempt"), ctx.get("max_attempts")
    if not isinstance(run_id, str):
        return BodyInvalidError('"ctx.run_id" must be a string')
    if not _is_count(attempt):
        return BodyInvalidError('"ctx.attempt" must be a whole number of at least 0')
    if max_attempts is not None and not _is_count(max_attempts):
        return BodyInvalidError('"ctx.max_attempts" must be a whole number of at least 0')
    stack = _stack(ctx.get("stack"))
    if isinstance(stack, BodyInvalidError):
        return stack
    plan_only, generation = ctx.get("disable_immediate_execution"), ctx.get("generation_id")
    ctx_use_api, use_api = ctx.get("use_api"), body.get("use_api")
    if not isinstance(plan_only, _FLAG):
        return BodyInvalidError('"ctx.disable_immediate_execution" must be true or false')
    if not isinstance(ctx_use_api, _FLAG):
        return BodyInvalidError('"ctx.use_api" must be true or false')
    if not isinstance(use_api, _FLAG):
        return BodyInvalidError('"use_api" must be true or false')
    return CallRequest(
        run_id,
        attempt,
        max_attempts,
        plan_only or False,
        stack,
        event,
        events or [copy.deepcopy(event)],  # user code may modify each independently
        steps,
        use_api or ctx_use_api or False,
        _text(ctx.get("fn_id")),
        _text(ctx.get("qi_id")),
        _text(ctx.get("request_id")),
        generation if _is_count(generation) else 0,
        _defers(body.get("defers")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _defers(raw: object) -> dict[str, bool]:
    if not isinstance(raw, dict):
        return {}
    return {
        hashed: isinstance(call, dict) and call.get("abortable") is True
        for hashed, call in raw.items()
    }


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _stack(raw: object) -> Sequence[str] | BodyInvalidError:
    inner = raw.get("stack") if isinstance(raw, dict) else raw
    if inner is None:
        return ()
    if isinstance(inner, list) and _TEXT.issuperset(map(type, inner)):
        return inner
    return BodyInvalidError('"ctx.stack.stack" must be a list of strings')
