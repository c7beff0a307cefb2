from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.api.realtime import MAX_MESSAGE, Realtime, Terms
from inngest.dev._internal.api.tokens import SUBSCRIPTION_LIFE, subscription_token, token_key
from inngest.dev._internal.clock import VirtualClock
from inngest.dev._internal.running.engine import Engine

TOPIC = {"channel": "c", "name": "t", "kind": "run"}
Http = httpx.AsyncClient


def played(play: Callable[[Engine, Http], Awaitable[None]], terms: Terms | None = None) -> None:
    async def run() -> None:
        engine = Engine(clock=VirtualClock())
        await engine.start()
        try:
            app = build_app(engine)
            if terms is not None:
                realtime = Realtime(engine, terms)
                app = Starlette(routes=[Route("/v1/realtime/sse", realtime.events)])
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                await play(engine, http)
        finally:
            await engine.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


def token_of(engine: Engine) -> str:
    key = token_key(None, engine.store.secret)
    return subscription_token(key, [TOPIC], engine.clock.now())


def test_a_connection_shows_that_it_lives_and_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()

    async def play(engine: Engine, http: Http) -> None:
        # its time goes on with each look: a pause of the machine is none
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(looks) / 1000)
        answer = await http.get("/v1/realtime/sse", params={"token": token_of(engine)})
        comments = answer.text.split("\n\n")
        assert len(comments) > 2
        assert set(comments) == {":", ""}

    played(play, Terms(ping=0.01, life=0.2))


def test_what_is_published_as_soon_as_a_socket_is_open_is_heard() -> None:
    async def play(engine: Engine, http: Http) -> None:
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        said.put_nowait({"type": "websocket.connect"})
        heard: list[str] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "websocket.accept":
                topic = {"channel": "c", "topic": "t"}
                await http.post("/v1/realtime/publish", params=topic, content=b"1")
            elif message["type"] == "websocket.send":
                heard.append(message["text"])
                said.put_nowait({"type": "websocket.disconnect", "code": 1000})

        scope = {
            "type": "websocket",
            "path": "/v1/realtime/connect",
            "query_string": f"token={token_of(engine)}".encode(),
            "headers": [(b"host", b"server")],
        }
        await build_app(engine)(scope, said.get, send)
        assert ['"data":1' in text for text in heard] == [True]

    played(play)


def test_a_token_that_is_over_lets_nobody_in() -> None:
    async def play(engine: Engine, http: Http) -> None:
        token = token_of(engine)
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.set(engine.clock.now() + SUBSCRIPTION_LIFE)
        answer = await http.get("/v1/realtime/sse", params={"token": token})
        assert answer.status_code == 401
        assert (await http.get("/v1/realtime/sse")).status_code == 401

    played(play)


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (b'{"n": 1}', '"data":{"n":1}'),
        (b"{", '"data":"{"'),
        (b"NaN", '"data":"NaN"'),
        (b"\xff", '"data":"\\ufffd"'),
        (b"", '"data":""'),
    ],
)
def test_what_is_not_json_is_text(content: bytes, data: str) -> None:
    async def play(engine: Engine, http: Http) -> None:
        listener = engine.realtime.join([("c", "t")])
        answer = await http.post("/v1/realtime/publish?channel=c&topic=t", content=content)
        assert (answer.status_code, answer.content) == (200, b"")
        assert data in getattr(await listener.next(), "text", "")

    played(play)


def test_a_message_is_cut_at_its_limit() -> None:
    async def play(engine: Engine, http: Http) -> None:
        listener = engine.realtime.join([("c", "t")])
        url = "/v1/realtime/publish?channel=c&topic=t"
        await http.post(url, content=b"x" * (MAX_MESSAGE + 1))
        assert getattr(await listener.next(), "text", "").count("x") == MAX_MESSAGE

    played(play)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("token", b"{}"),
        ("token", b"[1]"),
        ("token", b""),
        ("publish?channel=c&topic=t&metadata=%7B", b"1"),
    ],
)
def test_what_cannot_be_read_is_refused(path: str, content: bytes) -> None:
    async def play(engine: Engine, http: Http) -> None:
        answer = await http.post(f"/v1/realtime/{path}", content=content)
        assert answer.status_code == 400

    played(play)
