from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from inngest._internal.api.access import Access
from inngest._internal.api.subscription import (
    LONGEST_PAUSE,
    Heard,
    Message,
    Open,
    Read,
    Ready,
    listen,
    read_message,
)
from inngest._internal.errors import Error, RealtimeError
from inngest._internal.flow import Fetch, FetchError, Pause, Response

ACCESS = Access(api_origin="http://h/", headers={"x": "y"}, keys=(), timeout=1)
DOWN = FetchError(ConnectionError("refused"))


def token(text: str = "jwt") -> Response:
    return Response(status=201, headers={}, body=json.dumps({"jwt": text}).encode())


def event(data: object) -> bytes:
    message = {"kind": "data", "data": data, "channel": "c", "topic": "t"}
    return b"data: " + json.dumps(message).encode() + b"\n\n"


def play(*outcomes: object) -> tuple[list[Any], Error | None]:
    """Drive the flow with these outcomes until they are used up or it ends."""
    left: list[object] = list(outcomes)
    flow = listen(ACCESS, "c", ["t"], jitter=lambda: 1.0)
    effects: list[Any] = []
    sent: object = None
    try:
        while True:
            effect = flow.send(sent)
            effects.append(effect)
            sent = None
            if isinstance(effect, (Fetch, Open, Read)):
                if not left:
                    flow.close()
                    return effects, None
                sent = left.pop(0)
    except StopIteration as stop:
        return effects, stop.value


def heard(effects: Sequence[Any]) -> list[object]:
    return [each.message.data for each in effects if isinstance(each, Heard)]


def pauses(effects: Sequence[Any]) -> list[float]:
    return [each.seconds for each in effects if isinstance(each, Pause)]


def test_it_listens_with_a_token() -> None:
    effects, _ = play(token("a/b"), 200, b":\n\n", event(1), event(2))
    fetch, opened, *_ = effects
    assert fetch.request.url == "http://h/v1/realtime/token"
    assert json.loads(fetch.request.body) == [{"channel": "c", "name": "t", "kind": "run"}]
    assert opened.request.url == "http://h/v1/realtime/sse?token=a%2Fb"
    assert Ready() in effects
    assert heard(effects) == [1, 2]


def test_a_connection_that_ends_is_followed_by_the_next_one() -> None:
    effects, _ = play(token(), 200, b":\n\n", event(1), None, token(), 200, event(2))
    assert heard(effects) == [1, 2]
    assert pauses(effects) == [0.5]


def test_an_outage_is_waited_for_longer_and_longer(caplog: pytest.LogCaptureFixture) -> None:
    down = [DOWN] * 2000
    effects, ended = play(token(), 200, event(1), DOWN, *down, token(), 200, event(2))
    assert ended is None
    assert heard(effects) == [1, 2]
    assert pauses(effects)[:3] == [1.0, 2.0, 4.0]
    assert max(pauses(effects)) == LONGEST_PAUSE
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "outcomes",
    [
        [DOWN],
        [Response(status=401, headers={}, body=b"Authentication failed\n")],
        [Response(status=201, headers={}, body=b"[]")],
        [token(), 401],
        [token(), DOWN],
        [token(), 200, event(1), None, token(), 401],
    ],
)
def test_what_cannot_work_is_told(outcomes: list[object]) -> None:
    _, ended = play(*outcomes)
    assert isinstance(ended, RealtimeError)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '{"kind":"ping"}', '{"kind":"closing"}', '{"kind":"run","data":1}', "{}"],
)
def test_what_tells_nothing_is_left_out(text: str) -> None:
    assert read_message(text, {}) is None


def test_a_piece_of_an_unknown_stream_is_still_told() -> None:
    message = read_message('{"kind":"chunk","stream_id":"s","data":"x"}', {})
    assert message == Message(kind="chunk", channel="", topic="", data="x", stream_id="s")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T01:02:44.583738491Z", "2026-11-23T01:02:44.583738+00:00"),
        ("2026-11-23T01:02:44.5Z", "2026-11-23T01:02:44.500000+00:00"),
        ("2026-11-23T01:02:44Z", "2026-11-23T01:02:44+00:00"),
        ("2026-11-23T01:02:44", "2026-11-23T01:02:44+00:00"),
        ("2026-11-23T01:02:44+14:00", "2026-11-22T11:02:44+00:00"),
        ("2026-11-23T01:02:44.583738491-03:30", "2026-11-23T04:32:44.583738+00:00"),
        ("yesterday", None),
        (5, None),
    ],
)
def test_times_are_read(text: object, expected: str | None) -> None:
    message = read_message(json.dumps({"kind": "data", "created_at": text}), {})
    assert message is not None
    at = message.created_at
    assert (None if at is None else at.isoformat()) == expected
