"""The recordings of realtime, against our SDK: what it asks for, and how it reads messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from inngest import Inngest
from inngest._internal.api.subscription import Message, read_message
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.protocol.event_stream import EventStream
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.experimental import realtime

from .differences import ABSENT, GENERAL, HAND_MADE, Rule
from .realtime import EVENT_STREAM, RUN_MESSAGES, SOCKETS
from .replay import ORIGIN, Exchange, _flat_request, _flat_sent, compare, load

PUBLISHED = [2, 4, 6, 7, 8, 17, 20, 21]
"""Messages in the form that an SDK sends."""


class Recorded(HTTPClients):
    """Responds to one request as recorded."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Response | FetchError:
        self.asked.append(request)
        return self.exchange.answer

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)


def asking(exchange: Exchange) -> tuple[Inngest, Recorded]:
    client = Inngest(app_id="rec", is_production=False, api_base_url=ORIGIN)
    recorded = client._http = Recorded(exchange)
    return client, recorded


Ask = Callable[[Inngest, str, list[str]], Any]


def ask_sync(client: Inngest, channel: str, topics: list[str]) -> Any:
    return realtime.get_subscription_token_sync(client, channel, topics)


def ask_async(client: Inngest, channel: str, topics: list[str]) -> Any:
    return asyncio.run(realtime.get_subscription_token(client, channel, topics))


@pytest.mark.parametrize("ask", [ask_sync, ask_async])
@pytest.mark.parametrize(
    ("name", "index"), [(SOCKETS, 0), (SOCKETS, 15), (EVENT_STREAM, 0), (RUN_MESSAGES, 3)]
)
def test_a_token_is_asked_for_as_recorded(name: str, index: int, ask: Ask) -> None:
    exchange = load(name)[index]
    client, recorded = asking(exchange)
    channel, topics = exchange.body[0]["channel"], [each["name"] for each in exchange.body]
    given = ask(client, channel, topics)
    assert given == {"channel": channel, "topics": topics, "key": exchange.response_body["jwt"]}
    (request,) = recorded.asked
    used: set[Rule] = set()
    rules = (*GENERAL, *HAND_MADE)
    differing = compare(_flat_request(exchange), _flat_sent(request), rules, used)
    # a client belongs to no framework
    assert differing == {"header.x-inngest-framework": ("http.server", ABSENT)}
    assert request.method == exchange.method


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("index", PUBLISHED)
def test_a_message_is_published_as_recorded(index: int, kind: str) -> None:
    exchange = load(SOCKETS)[index]
    client, recorded = asking(exchange)
    query = dict(pair.split("=") for pair in exchange.path.partition("?")[2].split("&"))
    metadata = {"k": 1} if "metadata" in query else None
    options: dict[str, Any] = {"run_id": query.get("run_id"), "metadata": metadata}
    address = query["channel"].replace("%3A", ":"), query["topic"]
    if kind == "sync":
        realtime.publish_sync(client, *address, exchange.body, **options)
    else:
        asyncio.run(realtime.publish(client, *address, exchange.body, **options))
    (request,) = recorded.asked
    assert request.method == exchange.method
    assert request.url == ORIGIN + exchange.path
    assert json.loads(request.body) == exchange.body
    assert request.headers["content-type"] == exchange.headers["content-type"]


def test_recorded_events_are_read_however_they_are_cut() -> None:
    heard = load(EVENT_STREAM)[-1].response_body["text"].encode()
    for size in (1, 7, 1000, len(heard)):
        events, streams = EventStream(), dict[str, Message]()
        found: list[Message | None] = []
        for start in range(0, len(heard), size):
            texts = events.feed(heard[start : start + size])
            assert isinstance(texts, list)
            found += [read_message(text, streams) for text in texts]
        assert [(m.kind, m.channel, m.topic, m.data) for m in found if m is not None] == [
            ("data", "sse:1", "ai", {"n": 1}),
            ("datastream-start", "sse:1", "ai", None),
            ("chunk", "sse:1", "ai", "streamed text"),
            ("datastream-end", "sse:1", "ai", None),
        ]
        assert len({m.stream_id for m in found if m is not None and m.kind != "data"}) == 1
        assert not streams


def test_recorded_frames_are_read() -> None:
    frames = [e.body for e in load(SOCKETS) if e.method == "WS" and e.is_call]
    streams: dict[str, Message] = {}
    found = [read_message(json.dumps(frame), streams) for frame in frames]
    for frame, message in zip(frames, found, strict=True):
        assert message is not None
        assert message.kind == frame["kind"]
        assert (message.channel, message.topic) == (
            frame.get("channel", "user:1"),
            frame.get("topic", "ai"),
        )
        assert message.run_id == frame.get("run_id")
        assert message.metadata == frame.get("metadata")
        assert message.created_at is not None
        if "created_at" in frame:
            assert message.created_at.isoformat()[:26] == frame["created_at"][:26]
        if frame["kind"] in ("data", "chunk"):
            assert message.data == frame["data"]
