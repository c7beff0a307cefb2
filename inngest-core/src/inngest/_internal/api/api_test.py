from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from inngest._internal.api.access import Access
from inngest._internal.api.answer import problem
from inngest._internal.api.authorized import fetch_authorized
from inngest._internal.api.events import send_events
from inngest._internal.api.realtime import create_token, publish_message
from inngest._internal.api.register import register
from inngest._internal.api.runs import fetch_events, fetch_steps
from inngest._internal.api.seed import event_id_seed
from inngest._internal.api.signals import send_signal
from inngest._internal.errors import (
    RegistrationFailedError,
    SendEventsError,
    ServerUnreachableError,
    StateUnavailableError,
)
from inngest._internal.event import Event
from inngest._internal.flow import Fetch, FetchError, Flow, Pause, Request, Response
from inngest._internal.protocol.signature import SigningKey
from inngest._internal.sent import SendEventsResult

ONE, TWO = SigningKey(b"", "one"), SigningKey(b"", "two")
DOWN = FetchError(ConnectionError("refused at http://h/e/secret-key"))
ACCESS = Access(api_origin="http://h/", headers={}, keys=[], timeout=1)
ONE_EVENT = [Event(name="a")]
URL = "http://h/e/secret-key"


def answer(status: int, body: bytes = b"{}") -> Response:
    return Response(status=status, headers={}, body=body)


def play(flow: Flow[Any], outcomes: Sequence[object]) -> tuple[Any, list[Any]]:
    """Drive a flow with these outcomes, all of which it must request."""
    left, effects = list(outcomes), []
    sent: object = None
    try:
        while True:
            effect = flow.send(sent)
            effects.append(effect)
            sent = left.pop(0) if isinstance(effect, Fetch) else None
    except StopIteration as stop:
        assert not left
        return stop.value, effects


def send(*outcomes: object, events: Sequence[Event[Any]] = ONE_EVENT) -> tuple[Any, list[Any]]:
    flow = send_events(
        events, now_ms=5, url=URL, headers={"x": "y"}, timeout=1, seed="s", jitter=lambda: 0.01
    )
    return play(flow, outcomes)


def test_seed_is_time_and_base64() -> None:
    entropy = bytes.fromhex("7a28b660a5d155324fb8")
    assert event_id_seed(1743130137367, entropy) == "1743130137367,eii2YKXRVTJPuA=="


def test_events_are_sent_once_if_accepted() -> None:
    result, effects = send(answer(200, b'{"ids":["1"],"status":200}'))
    assert result == SendEventsResult(ids=["1"])
    (fetch,) = effects
    assert fetch.request.body == b'[{"name":"a","data":{},"ts":5}]'
    assert fetch.request.headers == {"x": "y", "x-inngest-event-id-seed": "s"}


def test_a_key_that_a_server_says_again_is_not_told() -> None:
    """Some servers and proxies echo the request in their errors."""
    flow = fetch_authorized(Request(method="GET", url="http://h"), [ONE, TWO])
    asked = b'{"error": "no such path; asked by Bearer one, then by Bearer two"}'
    result, _ = play(flow, [answer(401, asked), answer(404, asked)])
    assert problem(result) == "no such path; asked by Bearer ***, then by Bearer *** (status 404)"


@pytest.mark.parametrize("count", [1, 200, 201, 450])
def test_however_many_there_are_all_are_sent_in_their_order(count: int) -> None:
    """Events are encoded in chunks."""
    events = [Event(name="a", data={"n": n}) for n in range(count)]
    _, (fetch,) = send(answer(200, b'{"ids": []}'), events=events)
    assert json.loads(fetch.request.body) == [event.to_wire(5) for event in events]


def test_no_events_are_not_sent() -> None:
    assert send(events=[]) == (SendEventsResult(), [])


def test_five_tries_with_one_seed_and_no_pause_after_the_last() -> None:
    result, effects = send(DOWN, answer(500), DOWN, answer(503), DOWN)
    assert isinstance(result, SendEventsError)
    assert result.__cause__ is DOWN.cause
    assert result.message.startswith("no response from the event API at http://h: ")
    assert "secret-key" not in result.message
    pauses = [effect.seconds for effect in effects if isinstance(effect, Pause)]
    assert pauses == pytest.approx([0.11, 0.21, 0.41, 0.81])
    assert len({str(e.request.headers) for e in effects if isinstance(e, Fetch)}) == 1


def test_a_refusal_is_not_repeated_and_names_what_was_accepted() -> None:
    body = b'{"ids":["1",""],"status":400,"error":"bad secret-key"}'
    result, effects = send(answer(400, body))
    assert isinstance(result, SendEventsError)
    assert result.ids == ["1"]
    assert result.message == "events were not accepted: bad <key> (status 400)"
    assert len(effects) == 1


def test_a_key_that_is_refused_is_named_by_where_it_is_from() -> None:
    result, _ = send(answer(401, b'{"error":"Event key not found"}'))
    assert isinstance(result, SendEventsError)
    assert result.message == (
        "events were not accepted: Event key not found (status 401); check INNGEST_EVENT_KEY"
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"ids":7}', b"[" * 99_999])
def test_a_strange_answer_is_an_error_value(body: bytes) -> None:
    assert isinstance(send(answer(200, body))[0], SendEventsError)
    assert isinstance(send(answer(404, body))[0], SendEventsError)


def test_events_that_are_not_json_are_an_error_value() -> None:
    bad: Any = {"x": object()}
    failure, _ = send(events=[Event(name="a"), Event(name="b", data=bad)])
    assert isinstance(failure, SendEventsError)
    assert failure.message == "data.x: a object is not JSON; convert it first"


def bearers(effects: list[Any]) -> list[str | None]:
    return [effect.request.headers.get("authorization") for effect in effects]


@pytest.mark.parametrize(
    ("keys", "statuses", "tried"),
    [
        ([], [401], [None]),
        ([ONE, TWO], [200], ["Bearer one"]),
        ([ONE, TWO], [500], ["Bearer one"]),
        ([ONE, TWO], [401, 200], ["Bearer one", "Bearer two"]),
        ([ONE, TWO], [403, 403], ["Bearer one", "Bearer two"]),
        ([ONE], [401], ["Bearer one"]),
    ],
)
def test_the_next_key_is_tried_when_one_is_refused(
    keys: list[SigningKey], statuses: list[int], tried: list[str | None]
) -> None:
    flow = fetch_authorized(Request(method="GET", url="http://h"), keys)
    outcome, effects = play(flow, [answer(status) for status in statuses])
    assert outcome.status == statuses[-1]
    assert bearers(effects) == tried


def sync(outcome: object, deploy_id: str | None = None) -> tuple[Any, list[Any]]:
    flow = register(
        {"appName": "a"}, access=dataclasses.replace(ACCESS, keys=[ONE]), deploy_id=deploy_id
    )
    return play(flow, [outcome])


def test_registration_relays_the_answer() -> None:
    result, effects = sync(answer(200, b'{"ok":true}'), "d 1")
    assert result == {"ok": True}
    assert effects[0].request.url == "http://h/fn/register?deployId=d%201"


def test_registration_failures_are_values() -> None:
    refused, _ = sync(answer(400, b'{"error":"App ID required"}'))
    assert isinstance(refused, RegistrationFailedError)
    assert "App ID required" in refused.message
    assert isinstance(sync(answer(200, b"hello"))[0], RegistrationFailedError)
    unreachable, _ = sync(DOWN)
    assert isinstance(unreachable, ServerUnreachableError)
    assert unreachable.__cause__ is DOWN.cause


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([answer(200, b"[1]")], [1]),
        ([answer(500), DOWN, answer(200, b"[1]")], [1]),
        ([DOWN, DOWN, DOWN], StateUnavailableError),
        ([answer(410, b'{"error":"gone"}')], StateUnavailableError),
        ([answer(200, b"{}")], StateUnavailableError),
    ],
)
def test_state_of_a_run(outcomes: list[object], expected: Any) -> None:
    flow = fetch_events("R1", ACCESS)
    result, effects = play(flow, outcomes)
    assert effects[0].request.url == "http://h/v0/runs/R1/batch"
    assert result == expected or isinstance(result, expected)


def test_steps_of_a_run() -> None:
    flow = fetch_steps("R1", ACCESS)
    assert play(flow, [answer(200, b'{"a":1}')])[0] == {"a": 1}
    flow = fetch_steps("R1", ACCESS)
    found = play(flow, [answer(200, b'{"a":{"data": 1152921504606846977}}')])[0]
    assert found == {"a": {"data": 1152921504606847000}}, "what a call tells of it, too"
    flow = fetch_steps("../x", ACCESS)
    assert isinstance(play(flow, [])[0], StateUnavailableError)


@pytest.mark.parametrize(
    ("flow", "tries", "told"),
    [
        (fetch_steps("R1", ACCESS), 3, "no response for the state of run R1"),
        (send_signal("go", None, ACCESS), 1, 'no response for signal "go"'),
        (
            create_token(ACCESS, "c", ["t"]),
            1,
            "no subscription token was issued: no response",
        ),
        (
            publish_message(ACCESS, "c", "t", 1, run_id=None, metadata=None),
            1,
            "a message was not published: no response",
        ),
    ],
)
def test_whoever_does_not_answer_is_named(flow: Flow[Any], tries: int, told: str) -> None:
    failure, _ = play(flow, [DOWN] * tries)
    assert str(failure) == f"{told} from http://h: ConnectionError"
    assert failure.__cause__ is DOWN.cause
