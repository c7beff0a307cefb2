"""Read what an app tells of the request that began a run of a durable endpoint. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from inngest.dev._internal.function.options import Options
from inngest.dev._internal.function.registration import MAX_RETRIES
from inngest.dev._internal.machine.endpoint import HTTP_EVENT, TAKEOVER
from inngest.dev._internal.model.durations import MINUTE
from inngest.dev._internal.model.ids import is_ulid, new_job_id, new_ulid, stable_uuid
from inngest.dev._internal.model.strict import clean
from inngest.dev._internal.model.urls import is_url
from inngest.dev._internal.model.values import (
    DISCOVERY,
    Event,
    Function,
    Item,
    Json,
    Run,
    Transition,
)
from inngest.dev._internal.protocol.intake import EARLIEST, LATEST

SILENCE = 5 * MINUTE
"""After so long without a word of its app, a run is continued by the engine."""
_OPTIONAL = ("content_type", "fn", "ip", "query_params", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that an app has begun."""

    function: Function
    run: Run
    steps: list[dict[str, Json]]

    @property
    def change(self) -> Transition:
        return Transition(
            runs=[self.run],
            items=[takeover(self.run, self.run.created_at)],
            events=[self.run.event],
        )


def takeover(run: Run, now: int) -> Item:
    """The call that is made if nothing more is heard of the run."""
    return Item(
        job_id=new_job_id(),
        run_id=run.id,
        kind="call",
        step_id=DISCOVERY,
        due=now + SILENCE,
        payload=TAKEOVER,
    )


def read_begun(body: Json, now: int) -> Begun | None:
    """The run that an app has begun; None when the body cannot be read."""
    match body:
        case {"run_id": str(run_id), "event": {"name": name, "data": dict(data)} as event} if (
            is_ulid(run_id) and name == HTTP_EVENT and _is_request(data)
        ):
            pass
        case _:
            return None
    steps, retries = body.get("steps"), body.get("retries") or 0
    steps = [] if steps is None else steps
    version = body.get("request_version")
    if not is_steps(steps) or not _is_count(retries):
        return None
    function = _function(data, min(retries, MAX_RETRIES))
    run = Run(
        id=run_id,
        function_id=function.id,
        events=(_event(event, now),),
        status="Running",
        created_at=now,
        started_at=now,
        version=version if _is_count(version) else -1,
    )
    return Begun(function=function, run=run, steps=steps)


def is_steps(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(op, dict) for op in value)


def body_of_request(data: Mapping[str, Json]) -> bytes:
    return base64.b64decode(str(data.get("body") or ""))


def _is_request(data: Mapping[str, Json]) -> bool:
    if not all(isinstance(data.get(name), str) for name in ("domain", "method", "path")):
        return False
    if not all(isinstance(data.get(name), str | None) for name in _OPTIONAL):
        return False
    try:
        base64.b64decode(data.get("body") or "", validate=True)
    except (binascii.Error, ValueError):
        return False
    method: str = data["method"]
    is_method = method.isascii() and method.isalpha()
    return is_url(data["domain"]) and data["path"].startswith("/") and is_method


def _is_count(value: Json) -> TypeGuard[int]:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value < 2**63  # what can be stored


def _function(data: Mapping[str, Json], retries: int) -> Function:
    domain = clean(data["domain"]).rstrip("/")
    slug = clean(data.get("fn") or f"{data['method'].upper()} {data['path']}")
    function_id = f"{domain}-{slug}"
    return Function(
        id=function_id,
        uuid=stable_uuid(domain, function_id),
        app=domain,
        name=slug,
        url=domain,
        max_attempts=retries + 1,
        triggers=(),
        options=Options(),
    )


def _event(sent: Mapping[str, Json], now: int) -> Event:
    internal_id = new_ulid(now)
    given, ts = sent.get("id"), sent.get("ts")
    body = {
        "name": HTTP_EVENT,
        "data": dict(sent["data"]),
        "id": clean(given) if isinstance(given, str) and given else internal_id,
        "ts": ts if _is_count(ts) and EARLIEST <= ts <= LATEST else now,
    }
    return Event(internal_id=internal_id, received_at=now, body=body)
