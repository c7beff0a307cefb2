"""Parse requests to the events API. Pure: bytes in; events and a refusal out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from inngest.dev._internal.model.ids import new_ulid, seeded_ulids
from inngest.dev._internal.model.strict import clean, decode, size_of
from inngest.dev._internal.model.values import Event, Json

MAX_EVENT = 3 * 1024 * 1024
MAX_EVENTS = 5000
MAX_SESSIONS = 5
EARLIEST = 315_532_800_000
LATEST = 4_102_444_800_000
_STRING, _OBJECT = "string", "map[string]interface {}"
_FIELDS = {"name": _STRING, "id": _STRING, "v": _STRING, "data": _OBJECT, "user": _OBJECT,
           "meta": _OBJECT, "ts": "int64"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The events before the first invalid one, and what is wrong with it."""

    events: list[Event]
    error: str | None = None


def read_events(raw: bytes, seed: str | None, now: int) -> Intake:
    if not raw.strip():
        return Intake(events=[])
    try:
        body = decode(raw)
    except ValueError as error:
        return Intake(events=[], error=_syntax(error))
    if not isinstance(body, dict | list):
        message = "Request body must contain an event object or an array of event objects"
        return Intake(events=[], error=message)
    entries = body if isinstance(body, list) else [body]
    seeded = seeded_ulids(seed, min(len(entries), MAX_EVENTS)) if seed else None
    events: list[Event] = []
    for position, entry in enumerate(entries[:MAX_EVENTS]):
        problem = _problem(entry, len(raw) if isinstance(body, dict) else None)
        if problem is not None:
            return Intake(events=events, error=problem)
        internal_id = seeded[position] if seeded else new_ulid(now)
        events.append(_event(entry, internal_id, now))
    if len(entries) > MAX_EVENTS:
        return Intake(events=events, error=f"Cannot have more than {MAX_EVENTS} events in a batch")
    return Intake(events=events)


def _problem(entry: Json, size: int | None) -> str | None:
    if not isinstance(entry, dict):
        return f"json: cannot unmarshal {_kind(entry)} into Go value of type event.Event"
    for field, wanted in _FIELDS.items():
        value = entry.get(field)
        if value is None or _fits(value, wanted):
            continue
        shown = (
            f"number {value}" if wanted == "int64" and _kind(value) == "number" else _kind(value)
        )
        return f"json: cannot unmarshal {shown} into Go struct field raw.{field} of type {wanted}"
    name, ts = entry.get("name"), entry.get("ts")
    if not name:
        return "event name is empty"
    if name.startswith("inngest/"):
        return f"event name is reserved for internal use: {name}"
    if ts is not None and ts != 0 and ts < EARLIEST:
        return "timestamp is before Jan 1, 1980"
    if ts is not None and ts > LATEST:
        return "timestamp is after Jan 1, 2100"
    problem = _sessions_problem(entry.get("meta") or {})
    if problem is not None:
        return problem
    size = size_of(entry) if size is None else size
    if size > MAX_EVENT:
        return f"Event is over the max size: Max {MAX_EVENT} bytes / Size {size} bytes"
    return None


def _sessions_problem(meta: Mapping[str, Json]) -> str | None:
    for kind in ("sessions", "propagated_sessions"):
        if not isinstance(meta.get(kind), dict | None):
            return (
                f"json: cannot unmarshal {_kind(meta[kind])} into Go struct field "
                f"raw.meta.{kind} of type {_OBJECT}"
            )
    sessions = _sessions(meta)
    if len(sessions) > MAX_SESSIONS:
        return f"event sessions can include at most {MAX_SESSIONS} entries"
    for key, value in sessions.items():
        if len(key.encode("utf-8", "replace")) > 128:
            return "event session key is over 128 bytes"
        if len(value.encode("utf-8", "replace")) > 512:
            return "event session id is over 512 bytes"
    return None


def _event(entry: Mapping[str, Json], internal_id: str, now: int) -> Event:
    data = dict(entry.get("data") or {})
    data.pop("_inngest", None)
    body: dict[str, Json] = {
        "name": clean(entry["name"]),
        "data": data,
        "id": clean(entry.get("id") or internal_id),
        "ts": entry.get("ts") or now,
    }
    body |= {k: entry[k] for k in ("user", "v") if entry.get(k)}
    sessions = _sessions(entry.get("meta") or {})
    if sessions:
        body["meta"] = {"sessions": sessions}
    return Event(internal_id=internal_id, received_at=now, body=body)


def _sessions(meta: Mapping[str, Json]) -> dict[str, str]:
    """Return an event's sessions: its own override propagated ones.

    A null in place of its own sessions, or of one, drops the propagated ones.
    """
    inherited: dict[str, Json] = meta.get("propagated_sessions") or {}
    own = meta.get("sessions", {})
    merged = {} if own is None else {**inherited, **own}
    return {
        k: v if isinstance(v, str) else json.dumps(v) for k, v in merged.items() if v is not None
    }


def _fits(value: Json, wanted: str) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str)
        case "int64":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        case _:
            return isinstance(value, dict)


def _kind(value: Json) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"


def _syntax(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        text = error.doc[error.pos : error.pos + 1]
        if not text:
            return "unexpected end of JSON input"
        return f"invalid character '{clean(text)}' at offset {error.pos}: {error.msg}"
    return f"invalid character in request body: {error}"
