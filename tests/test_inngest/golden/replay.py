"""Replay a server's requests to an SDK, and compare our SDK's behaviour with the recording."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import flask

import inngest.flask
from inngest import Function, Inngest
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.transport import CommRequest, CommStream, Handler, ServeOptions, Streaming

from .differences import (
    ABSENT,
    ANYTHING,
    GENERAL,
    HAND_MADE,
    NOT_REPLAYED,
    ON_PURPOSE,
    OTHER_SPELLINGS,
    Difference,
    Rule,
)

RECORDINGS = Path(__file__).parents[2] / "recordings"
ORIGIN = "http://server.test"
_TRUNCATED = re.compile(r"(x+)\.\.\.\((\d+) chars truncated\)")
STREAMED = 201
"""The status of a stream: the answer is in its last piece."""
Flat = dict[str, object]
Differing = dict[str, tuple[object, object]]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its response."""

    index: int
    is_call: bool
    """Whether the server asked the SDK; else the SDK, or the recording's driver, the server."""
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: Any
    response_raw: bytes

    @property
    def is_by_sdk(self) -> bool:
        return not self.is_call and "x-inngest-sdk" in self.headers

    @property
    def is_hand_made(self) -> bool:
        """Whether the recorded app was written without an SDK."""
        headers = self.response_headers if self.is_call else self.headers
        return headers.get("x-inngest-sdk", "").startswith("handrolled-")

    @property
    def answer(self) -> Response:
        body = self.response_body
        is_text = isinstance(body, dict) and set(body) == {"text"}
        return Response(
            status=self.status,
            headers={"content-type": "application/json"},
            body=body["text"].encode() if is_text else json.dumps(body).encode(),
        )

    @property
    def now(self) -> float | None:
        """The SDK's time of the exchange, according to the signatures."""
        for headers in (self.response_headers, self.headers):
            found = re.match(r"t=(\d+)&", headers.get("x-inngest-signature", ""))
            if found:
                return float(found[1])
        return None


def load(name: str) -> list[Exchange]:
    """Read a recording, and restore the parts that it abbreviates."""
    recording = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"), object_hook=_restored)
    return [_exchange(i, raw) for i, raw in enumerate(recording["exchanges"])]


def _restored(parsed: dict[str, Any]) -> dict[str, Any]:
    for key, value in parsed.items():
        cut = _TRUNCATED.fullmatch(value) if isinstance(value, str) else None
        if cut:
            parsed[key] = "x" * (len(cut[1]) + int(cut[2]))
    return parsed


def _exchange(index: int, raw: dict[str, Any]) -> Exchange:
    body = raw["body"]
    if "body_raw" in raw:
        sent = raw["body_raw"].encode()
    elif body is None:
        sent = b""
    elif isinstance(body, dict) and set(body) == {"text"}:
        sent = body["text"].encode()
    else:
        sent = json.dumps(body).encode()
    return Exchange(
        index=index,
        is_call=raw["direction"] == "server->sdk",
        method=raw["method"],
        path=raw["path"],
        headers={name.lower(): value for name, value in raw["headers"].items()},
        body=body,
        raw=sent,
        status=raw["status"],
        response_headers={
            name.lower(): value for name, value in (raw["response_headers"] or {}).items()
        },
        response_body=raw["response_body"],
        response_raw=raw.get("response_body_raw", "").encode(),
    )


class RecordedServer(HTTPClients):
    """Responds like the recorded server, and keeps the requests that it receives."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited: list[Exchange] = []
        self.asked: list[tuple[Exchange | None, Request]] = []

    def fetch(self, request: Request) -> Response | FetchError:
        path = _path(request)
        for exchange in self.awaited:
            if (exchange.method, exchange.path) == (request.method, path):
                self.awaited.remove(exchange)
                self.asked.append((exchange, request))
                return exchange.answer
        self.asked.append((None, request))
        return Response(status=404, headers={}, body=b"null")

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)


def _path(request: Request) -> str:
    parts = urlsplit(request.url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Our SDK's response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Ask = Callable[[str, str, Mapping[str, str], bytes, float | None], Answered]


@dataclass(kw_only=True)
class Replay:
    """One recording against one app."""

    name: str
    server: RecordedServer
    ask: Ask
    problems: list[str] = field(default_factory=list)
    answers: list[tuple[Exchange, Answered]] = field(default_factory=list)
    used: set[Rule] = field(default_factory=set)
    """The rules without which there would be more problems."""

    def run(self) -> None:
        """Replay all exchanges; ``problems`` then lists the differences."""
        exchanges = [each for each in load(self.name) if each.is_call or each.is_by_sdk]
        skipped = NOT_REPLAYED.get(self.name, {})
        position = 0
        while position < len(exchanges):
            start = exchanges[position]
            following = position + 1 if start.is_call else position
            end = following
            while end < len(exchanges) and not exchanges[end].is_call:
                end += 1
            nested = [each for each in exchanges[following:end] if each.index not in skipped]
            position = end
            if start.index in skipped:
                continue
            self._step(start if start.is_call else None, nested)

    def _step(self, call: Exchange | None, nested: Sequence[Exchange]) -> None:
        self.server.awaited, self.server.asked = list(nested), []
        if call is None:  # the driver's PUT that made the SDK register is not in the recording
            self.ask("PUT", "/api/inngest", {}, b"", None)
        else:
            answered = self.ask(call.method, call.path, call.headers, call.raw, call.now)
            self.answers.append((call, answered))
            self._compare(call, _flat_response(call), _flat_answer(answered))
        for exchange, request in self.server.asked:
            if exchange is None:
                self.problems.append(f"not in the recording: {request.method} {request.url}")
                continue
            self._compare(exchange, _flat_request(exchange), _flat_sent(request))
        self.problems += [
            f"{each.index}: never asked for {each.method} {each.path}"
            for each in self.server.awaited
        ]

    def _compare(self, exchange: Exchange, recorded: Flat, ours: Flat) -> None:
        rules = (*GENERAL, *HAND_MADE) if exchange.is_hand_made else GENERAL
        differing = compare(recorded, ours, rules, self.used)
        for difference in ON_PURPOSE.get(self.name, {}).get(exchange.index, ()):
            differing = self._on_purpose(exchange, differing, difference)
        self.problems += [
            f"{self.name} {exchange.index} {path}: {_short(theirs)} is recorded, ours {_short(us)}"
            for path, (theirs, us) in differing.items()
        ]

    def _on_purpose(
        self, exchange: Exchange, differing: Differing, difference: Difference
    ) -> Differing:
        left = dict(differing)
        if difference.body is not None:
            whole = _flat("body", difference.body)
            if not any(path.startswith("body") for path in differing):
                self.problems.append(
                    f"{self.name} {exchange.index} body: listed as different, but is not"
                )
            for path, (_, ours) in differing.items():
                if path.startswith("body") and whole.get(path, ABSENT) in (ours, ANYTHING):
                    del left[path]
        for path, expected in difference.ours.items():
            if path not in left:
                self.problems.append(
                    f"{self.name} {exchange.index} {path}: listed as different, but is not"
                )
            elif expected in (left[path][1], ANYTHING):
                del left[path]
        return left


def compare(recorded: Flat, ours: Flat, rules: Sequence[Rule], used: set[Rule]) -> Differing:
    """Return all paths with different values, except those that ``rules`` accept."""
    differing: Differing = {}
    for path in [*recorded, *(path for path in ours if path not in recorded)]:
        theirs, us = recorded.get(path, ABSENT), ours.get(path, ABSENT)
        if theirs == us and type(theirs) is type(us):
            continue
        accepting = [
            rule for rule in rules if re.fullmatch(rule.path, path) and rule.accepts(theirs, us)
        ]
        used.update(accepting)
        if not accepting:
            differing[path] = (theirs, us)
    return differing


def _flat_response(exchange: Exchange) -> Flat:
    return _flat_reply(exchange.status, exchange.response_headers, exchange.response_body)


def _flat_answer(answered: Answered) -> Flat:
    body = json.loads(answered.body) if answered.body else None
    return _flat_reply(answered.status, answered.headers, body)


def _flat_reply(status: int, headers: Mapping[str, str], body: Any) -> Flat:
    if status == STREAMED:
        inner = _flat_reply(body["status"], body["headers"], json.loads(body["body"]))
        outer = _flat_reply(0, headers, None) | {"status": status}
        return inner | {f"outer.{path}": value for path, value in outer.items() if path != "body"}
    return {
        "status": status,
        **{f"header.{name.lower()}": value for name, value in headers.items()},
        **_flat("body", body),
    }


def _flat_request(exchange: Exchange) -> Flat:
    return {
        "path": exchange.path,
        **{f"header.{name}": value for name, value in exchange.headers.items()},
        **_flat("body", exchange.body),
    }


def _flat_sent(request: Request) -> Flat:
    return {
        "path": _path(request),
        **{f"header.{name.lower()}": value for name, value in request.headers.items()},
        **_flat("body", json.loads(request.body) if request.body else None),
    }


def _flat(path: str, value: object) -> Flat:
    if isinstance(value, dict) and value:
        found: Flat = {}
        for key, item in value.items():
            found |= _flat(f"{path}.{OTHER_SPELLINGS.get(key, key)}", item)
        return found
    if isinstance(value, list) and value:
        found = {}
        for index, item in enumerate(value):
            found |= _flat(f"{path}[{_label(index, item)}]", item)
        return found
    return {path: value}


def _label(index: int, item: object) -> str:
    """Label operations by their ids, since their order does not matter."""
    if isinstance(item, dict) and "op" in item:
        return str(item["id"][:6])
    return str(index)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}..."


def flask_app(client: Inngest, functions: list[Function[Any]], base_url: str) -> Ask:
    """Serve the app as users do, and send requests with Flask's test client."""
    app = flask.Flask("golden")
    inngest.flask.serve(app, client, functions)
    http = app.test_client()

    def ask(
        method: str, path: str, headers: Mapping[str, str], body: bytes, now: float | None
    ) -> Answered:
        with http.open(
            path, method=method, headers=dict(headers), data=body, base_url=base_url
        ) as answer:
            return Answered(
                status=answer.status_code, headers=dict(answer.headers), body=answer.data
            )

    return ask


def handler_app(
    client: Inngest,
    functions: list[Function[Any]],
    base_url: str,
    *,
    serve_origin: str | None = None,
    streaming: Streaming | None = None,
) -> Ask:
    """Serve the app with a clock that shows the time of the recording."""
    times = [0.0]
    handler = Handler(
        client,
        functions,
        ServeOptions(
            framework="flask",
            enable_unauthed_sync=True,
            serve_origin=serve_origin,
            streaming=streaming,
            environ={},
        ),
        clock=lambda: times[-1],
    )

    def ask(
        method: str, path: str, headers: Mapping[str, str], body: bytes, now: float | None
    ) -> Answered:
        if now is not None:
            times.append(now)
        parts = urlsplit(path)
        request = CommRequest(
            method=method,
            url=base_url + path,
            headers=headers,
            query=dict(parse_qsl(parts.query)),
            body=body,
        )
        answer = handler.stream_sync(request)
        if isinstance(answer, CommStream):
            pieces = b"".join(answer.chunks)
            return Answered(status=answer.status, headers=answer.headers, body=pieces)
        return Answered(status=answer.status, headers=answer.headers, body=answer.body)

    return ask


def base_url_of(name: str) -> str:
    """Return the URL at which the recorded app was served."""
    text = (RECORDINGS / f"{name}.json").read_text("utf-8")
    found = re.search(r"(http://127\.0\.0\.1:\d+)/api/inngest", text)
    return found[1] if found else "http://app.test"
