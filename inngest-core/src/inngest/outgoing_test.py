"""A redirected client makes no real requests, and is restored afterwards."""

from __future__ import annotations

import asyncio
import json

import pytest

from inngest import Event, Inngest
from inngest.outgoing import Request, Response, redirected


def answer(request: Request) -> Response:
    names = [event["name"] for event in json.loads(request.body)]
    body = json.dumps({"ids": names, "status": 200}).encode()
    return Response(status=200, headers={}, body=body)


def test_events_of_both_faces_are_answered() -> None:
    client = Inngest(app_id="app", is_production=True, event_key="key")
    with redirected(client, answer):
        assert not client.is_production
        assert client.send_sync(Event(name="a")) == ["a"]
        assert asyncio.run(client.send([Event(name="b"), Event(name="c")])) == ["b", "c"]
    assert client.is_production


def test_a_client_is_redirected_once() -> None:
    client = Inngest(app_id="app", is_production=False)
    with redirected(client, answer):
        with pytest.raises(RuntimeError, match="under test already"), redirected(client, answer):
            pass
        assert client.send_sync(Event(name="a")) == ["a"]
    with redirected(client, answer):
        assert client.send_sync(Event(name="a")) == ["a"]
