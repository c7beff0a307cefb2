"""The recordings of realtime, against our engine: over real sockets where they were."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from inngest.dev import DevServer, Engine, VirtualClock
from inngest.dev._internal.api.tokens import token_key, topics_of
from inngest.dev._internal.realtime.broker import Listener

from .engine_timeline import Timeline
from .realtime import EVENT_STREAM, RUN_MESSAGES, SOCKETS, claims, told
from .replay import Exchange, load

SECONDS = 60.0
CHUNKED = "text/stream"


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0, engine=Engine(clock=VirtualClock())) as server:
        yield server


@dataclass
class Session:
    """Does what the recorded client did, and compares the results."""

    server: DevServer
    http: httpx.Client
    exits: ExitStack
    token: str = ""
    socket: ClientConnection | None = None
    compared: int = 0
    expected: list[dict[str, Any]] = field(default_factory=list)

    def play(self, exchange: Exchange) -> None:
        match exchange.method:
            case "WS-OPEN":
                self.socket = self.open(self.token)
            case "WS" if exchange.is_call:
                self.expected.append(exchange.body)
            case "WS":
                self.tell(exchange.body)
            case "WS-CLOSE":
                self.close()
            case "WS-OPEN-FAILED":
                token = exchange.path.partition("token=")[2]
                with pytest.raises(InvalidStatus) as refused:
                    self.open(token)
                assert refused.value.response.status_code == 401
                headers = refused.value.response.headers
                assert headers["content-type"] == "application/json"
                assert headers["x-inngest-server-kind"] == "dev"
            case _:
                self.request(exchange)
        self.compared += 1

    def open(self, token: str) -> ClientConnection:
        address = self.server.origin.replace("http", "ws", 1)
        opened = connect(
            f"{address}/v1/realtime/connect?token={token}", proxy=None, open_timeout=SECONDS
        )
        self.exits.enter_context(opened)
        return opened

    def tell(self, body: dict[str, Any]) -> None:
        """Send a message that gets no response, and wait until the server has processed it."""
        assert self.socket is not None
        (listener,) = self.server.engine.realtime._listeners
        before = set(listener.topics)
        if body["kind"] == "sub":
            body = {**body, "data": self.token}
        self.socket.send(json.dumps(body))
        until = time.monotonic() + SECONDS
        while listener.topics == before:
            assert time.monotonic() < until
            time.sleep(0.002)

    def request(self, exchange: Exchange) -> None:
        raw = exchange.raw
        if isinstance(exchange.body, str):
            is_cut = exchange.body.startswith("x...")
            raw = b"x" * 600 * 1024 if is_cut else json.dumps(exchange.body).encode()
        answer = self.http.request(
            exchange.method, exchange.path, headers=dict(exchange.headers), content=raw
        )
        assert answer.status_code == exchange.status, (exchange.index, answer.text)
        assert answer.headers["x-inngest-server-kind"] == "dev"
        kind = exchange.response_headers.get("content-type")
        assert answer.headers.get("content-type") == kind
        if exchange.response_body is None:
            assert answer.content == b""
        elif "jwt" in exchange.response_body:
            self.token = answer.json()["jwt"]
            assert claims(self.token) == claims(exchange.response_body["jwt"])
        else:
            assert answer.json() == exchange.response_body

    def close(self) -> None:
        """Check that exactly the published messages were received."""
        assert self.socket is not None
        marker = {"kind": "data", "data": "marker", "topic": "ai", "channel": "user:1"}
        query = "channel=user%3A1&topic=ai"
        self.http.post(f"/v1/realtime/publish?{query}", json="marker")
        got: list[dict[str, Any]] = []
        while not got or got[-1]["data"] != "marker":
            got.append(json.loads(self.socket.recv(timeout=SECONDS)))
        assert got.pop().items() >= marker.items()
        assert told(got) == told(self.expected)
        self.socket.close()


def test_a_listener_on_a_web_socket_hears_what_is_recorded(server: DevServer) -> None:
    exchanges = load(SOCKETS)
    with (
        httpx.Client(base_url=server.origin, timeout=SECONDS, trust_env=False) as http,
        ExitStack() as exits,
    ):
        session = Session(server, http, exits)
        for exchange in exchanges:
            session.play(exchange)
    assert session.compared == len(exchanges)
    assert len(session.expected) == 9


def test_a_listener_to_server_sent_events_hears_what_is_recorded(server: DevServer) -> None:
    *published, heard = load(EVENT_STREAM)
    with (
        httpx.Client(base_url=server.origin, timeout=SECONDS, trust_env=False) as http,
        ExitStack() as exits,
    ):
        session = Session(server, http, exits)
        session.play(published[0])
        path = heard.path.replace("<jwt>", session.token)
        with http.stream("GET", path, timeout=SECONDS) as answer:
            assert answer.status_code == heard.status
            assert answer.headers["content-type"] == heard.response_headers["content-type"]
            assert answer.headers["access-control-allow-origin"] == "*"
            lines = answer.iter_lines()
            got = [next(lines), next(lines)]
            for exchange in published[1:]:
                session.play(exchange)
            recorded = heard.response_body["text"].splitlines()
            got += [next(lines) for _ in recorded[2:]]
    assert [line[:6] for line in got] == [line[:6] for line in recorded]
    assert told(_messages(got)) == told(_messages(recorded))


def _messages(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


@dataclass(kw_only=True)
class OfARun(Timeline):
    """A subscriber to the channel of the replayed run."""

    listener: Listener | None = None

    async def _request(self, http: httpx.AsyncClient, exchange: Exchange) -> None:
        if exchange.method.startswith("WS-"):
            return
        if exchange.path != "/v1/realtime/token":
            await super()._request(http, exchange)
            return
        (run,) = self.engine.runs()
        recorded = exchange.body[0]["channel"]
        asked = exchange.raw.replace(recorded.encode(), run["run_id"].encode())
        answer = await http.post(exchange.path, content=asked)
        token = answer.json()["jwt"]
        renamed = json.dumps(claims(exchange.response_body["jwt"]))
        assert claims(token) == json.loads(renamed.replace(recorded, run["run_id"]))
        topics = topics_of(token_key(None, self.engine.store.secret), token, self.clock.now())
        assert topics is not None and len(topics) == 4
        self.listener = self.engine.realtime.join(topics)


def test_a_run_publishes_nothing_by_itself() -> None:
    replay = OfARun(name=RUN_MESSAGES)
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared == 2
    assert replay.listener is not None
    heard = [json.loads(getattr(m, "text", "{}")) for m in _left(replay.listener)]
    assert heard == [{"kind": "closing"}]  # the engine ended


def _left(listener: Listener) -> list[Any]:
    async def take() -> list[Any]:
        found = []
        while (message := await asyncio.wait_for(listener.next(), SECONDS)) is not None:
            found.append(message)
        return found

    return asyncio.run(take())
