"""Requests that the engine makes for steps: fetch and AI inference. Pure.

Limits: with `opts.publish`, the response is published only once complete, not streamed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from inngest.dev._internal.machine.retries import Delay, exhausted, retried
from inngest.dev._internal.machine.runs import wake
from inngest.dev._internal.model.strict import clean, decode
from inngest.dev._internal.model.urls import is_url
from inngest.dev._internal.model.values import Function, Item, Json, Run, Transition

MAX_BODY = 4 * 1024 * 1024
_METHOD = re.compile(r"[A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One request to a third party, stored in the queue as JSON."""

    ai: bool
    method: str
    url: str
    headers: dict[str, str]
    body: str
    publish: dict[str, str] | None = None
    """The channel and topic to publish the response to."""

    def to_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    reason: str


def read_request(name: str, opts: Mapping[str, Json]) -> Outbound | str:
    """Return the request of an operation, or what is wrong with it."""
    url, headers = opts.get("url"), opts.get("headers") or {}
    if not isinstance(url, str) or not is_url(url):
        return f"{name} has no usable opts.url"
    if not isinstance(headers, dict):
        return f"opts.headers of {name} is not an object"
    publish = _publication(opts.get("publish"))
    if isinstance(publish, str):
        return f"opts.publish of {name} {publish}"
    request = _request(name, clean(url), headers, opts)
    return request if isinstance(request, str) else replace(request, publish=publish)


def _publication(wanted: Json) -> dict[str, str] | str | None:
    """Return where to publish the response, if anywhere, or what is wrong with that."""
    if not wanted:
        return None
    fields = wanted if isinstance(wanted, dict) else {}
    channel, topic = fields.get("channel"), fields.get("topic")
    if not isinstance(channel, str) or not isinstance(topic, str):
        return "needs the texts channel and topic"
    return {"channel": clean(channel), "topic": clean(topic)}


def _request(
    name: str, url: str, headers: Mapping[str, Json], opts: Mapping[str, Json]
) -> Outbound | str:
    sent = {clean(str(key)): clean(str(value)) for key, value in headers.items()}
    if name == "AIGateway":
        return _ai_request(url, sent, opts)
    method, body = opts.get("method") or "POST", opts.get("body")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        return f"opts.method of {name} is no method of HTTP"
    if not isinstance(body, str | None):
        return f"opts.body of {name} is no string"
    return Outbound(ai=False, method=method.upper(), url=url, headers=sent, body=_fetch_body(body))


def _fetch_body(body: str | None) -> str:
    """Return JSON as it is, other text as a JSON string, as the server does."""
    if not body:
        return ""
    try:
        decode(body)
    except ValueError:
        return json.dumps(clean(body), ensure_ascii=False)
    return clean(body)


def _ai_request(url: str, headers: dict[str, str], opts: Mapping[str, Json]) -> Outbound | str:
    key, style = str(opts.get("auth_key") or ""), opts.get("format") or ""
    headers = _with(headers, "content-type", "application/json")
    if key and style == "gemini":
        parts = urlsplit(url)
        query = [p for p in parse_qsl(parts.query, True) if p[0] != "key"]
        url = urlunsplit(parts._replace(query=urlencode(sorted([*query, ("key", key)]))))
    elif key and style == "anthropic":
        headers = _with(headers, "x-api-key", key)
    elif key:
        token = key if style == "bedrock" else f"Bearer {key}"
        headers = _with(headers, "authorization", token)
    body = json.dumps(opts.get("body"), sort_keys=True, separators=(",", ":"))
    return Outbound(ai=True, method="POST", url=url, headers=headers, body=body)


def _with(headers: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Return the headers with this one set, ignoring case in names."""
    return {k: v for k, v in headers.items() if k.lower() != name} | {name: value}


def fetched(
    run: Run,
    item: Item,
    memo: Mapping[str, Json],
    *,
    function: Function | None,
    delay: Delay,
    now: int,
) -> Transition:
    """Return the change a request's outcome makes: a retry, or the end of the step."""
    if "error" in memo and not exhausted(item, function) and not run.ended:
        return Transition(runs=[run], items=[retried(item, None, delay, now)])
    return wake(item, run, memo, now)


def outcome_of(item: Item, answer: Inbound | Unreachable) -> dict[str, Json]:
    """Return the step's memo: the response as data, or an error."""
    request = Outbound(**item.payload)
    kind = "AI" if request.ai else "gateway"
    name = "AIGatewayError" if request.ai else "GatewayError"
    prefix = f"Error making {kind} request: "
    if isinstance(answer, Unreachable):
        return {"error": {"name": name, "message": prefix + answer.reason}}
    if len(answer.body) > MAX_BODY:
        return {"error": {"name": name, "message": prefix + "the answer is larger than 4 MB"}}
    text = clean(answer.body.decode("utf-8", "replace"))
    if not request.ai:
        headers = {_canonical(k): clean(v) for k, v in answer.headers.items()}
        found = {"url": request.url, "headers": headers, "body": text,
                 "status_code": answer.status}  # fmt: skip
        return {"data": found}
    body = _json_or_text(text)
    if answer.status > 299:
        message = f"{prefix}unsuccessful status code: {answer.status}"
        return {"error": {"name": name, "message": message, "data": body, "stack": text}}
    return {"data": body}


def _json_or_text(text: str) -> Json:
    try:
        return decode(text)
    except ValueError:
        return text


def _canonical(header: str) -> str:
    return "-".join(part.capitalize() for part in header.split("-"))
