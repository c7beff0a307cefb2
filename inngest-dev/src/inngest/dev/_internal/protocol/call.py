"""Build the requests that call apps. `answer` parses the responses."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic_core import to_json

from inngest.dev._internal.model.ids import request_id
from inngest.dev._internal.model.values import DISCOVERY, Function, Item, Json, Run, Step
from inngest.dev._internal.protocol.answer import Answer, read_answer, read_reentry
from inngest.dev._internal.protocol.canonical import canonical

MAX_BODY = 4 * 1024 * 1024
_SPARE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to an app."""

    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    is_reentry: bool = False
    """Whether it retries the request of a durable endpoint."""

    def read(self, status: int, headers: Mapping[str, str], content: bytes, now: int) -> Answer:
        """Parse the app's answer. `headers` must have lower-case names."""
        read = read_reentry if self.is_reentry else read_answer
        return read(status, headers, content, now)


def build_call(function: Function, run: Run, item: Item, *, now: int) -> Call:
    ctx: dict[str, Json] = {
        "attempt": item.attempt,
        "disable_immediate_execution": item.plan_only,
        "env": "",
        "fn_id": function.uuid,
        "generation_id": item.generation,
        "job_id": item.job_id,
        "max_attempts": function.max_attempts,
        "qi_id": base64.b64encode(f"{item.job_id}::default".encode()).decode(),
        "request_id": request_id(item.job_id, item.generation, now),
        "run_id": run.id,
        "stack": {"current": item.current, "stack": run.stack},
        "step_id": DISCOVERY,
        "use_api": False,
    }
    event, events = _events(run)
    body = {
        # already canonical, as its keys are sorted and no value is a float
        "ctx": to_json(ctx),
        "defers": _defers(run),
        "event": event,
        "events": events,
        "steps": _steps(run),
        "use_api": b"false",
        "version": b"%d" % run.version,
    }
    raw = _object(body)
    if len(raw) > MAX_BODY - _SPARE and (
        len(raw) > MAX_BODY or len(body["steps"]) > MAX_BODY - _SPARE
    ):
        ctx["use_api"] = True
        body |= {"ctx": to_json(ctx), "steps": b"{}", "use_api": b"true"}
        raw = _object(body)
    if len(raw) > MAX_BODY:
        body["events"] = b"[]"
        raw = _object(body)
    headers = {
        "content-type": "application/json",
        "traceparent": trace_parent(run.id),
        "x-run-id": run.id,
        "x-request-id": str(ctx["request_id"]),
        "x-inngest-req-version": str(run.version),
        "x-inngest-generation-id": str(item.generation),
        "x-inngest-job-id": item.job_id,
        "x-inngest-step-id": item.step_id,
    }
    url = call_url(function.url, function.id, item.step_id)
    return Call(url=url, headers=headers, body=raw)


@lru_cache(maxsize=1024)
def call_url(url: str, function_id: str, step_id: str) -> str:
    parts = urlsplit(url)
    query = [p for p in parse_qsl(parts.query, True) if p[0] not in ("fnId", "stepId")]
    query += [("fnId", function_id), ("stepId", step_id)]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def is_socket(url: str) -> bool:
    """Return whether the app is called over its Connect worker's socket."""
    return url.startswith(("ws://", "wss://"))


def _events(run: Run) -> tuple[bytes, bytes]:
    """Return the first event and the list of all as JSON, encoded once per run."""
    if run.encoded_events is None:
        events = [canonical(event.wire()) for event in run.events]
        run.encoded_events = events[0], b"[%s]" % b",".join(events)
    return run.encoded_events


def _defers(run: Run) -> bytes:
    if not run.defers:
        return b"{}"
    return canonical({k: {"abortable": not v["aborted"]} for k, v in run.defers.items()})


def _steps(run: Run) -> bytes:
    """Return the memos of ended steps, and replaced arguments of pending ones, as JSON."""
    edited = [step_id for step_id in run.pending if run.steps[step_id].memo is not None]
    steps = map(run.steps.__getitem__, sorted([*run.stack, *edited]))
    return b"{%s}" % b",".join([step.encoded or _encoded(step) for step in steps])


def _encoded(step: Step) -> bytes:
    """Return a step's id and memo as JSON, cached once the step has ended."""
    encoded = b"%s:%s" % (canonical(step.id), canonical(step.memo))
    if step.state != "pending":
        step.encoded = encoded
    return encoded


def _object(fields: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b",".join([b'"%s":%s' % (k.encode(), v) for k, v in fields.items()])


def trace_parent(run_id: str) -> str:
    """Return a call's W3C trace context: a trace per run, a span per call."""
    return f"00-{_trace_id(run_id)}-{secrets.token_hex(8)}-01"


@lru_cache(maxsize=1024)
def _trace_id(run_id: str) -> str:
    return hashlib.sha256(run_id.encode()).hexdigest()[:32]
