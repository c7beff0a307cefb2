from __future__ import annotations

import asyncio
import datetime
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.errors import (
    EventKeyUnspecifiedError,
    FunctionConfigInvalidError,
    SendEventsError,
    SerializerUnknownError,
    SigningKeyInvalidError,
    URLInvalidError,
)
from inngest._internal.event import Event
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.function.checkpointing import Checkpointing
from inngest._internal.function.config import TriggerEvent
from inngest._internal.middleware.contract import MiddlewareSync

Send = Callable[[Inngest, Any], list[str]]


class FakeHTTP:
    """An HTTP client that returns these outcomes, one per request."""

    def __init__(self, *outcomes: Response | FetchError) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[Request] = []

    def fetch(self, request: Request) -> Response | FetchError:
        self.requests.append(request)
        return self.outcomes.pop(0)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)


def answer(status: int, body: bytes) -> Response:
    return Response(status=status, headers={}, body=body)


ACCEPTED = answer(200, b'{"ids":["1","2"],"status":200}')


@pytest.fixture(params=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Send:
    if request.param == "sync":
        return lambda client, events: client.send_sync(events)
    return lambda client, events: asyncio.run(client.send(events))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record how long this thread would have slept. Threads of earlier tests really sleep."""
    found: list[float] = []
    here, really = threading.get_ident(), (time.sleep, asyncio.sleep)

    def sleep(seconds: float) -> None:
        if threading.get_ident() == here:
            found.append(seconds)
        else:
            really[0](seconds)

    async def sleep_async(seconds: float) -> None:
        if threading.get_ident() == here:
            found.append(seconds)
        else:
            await really[1](seconds)

    monkeypatch.setattr("inngest._internal.runtime.drivers.time.sleep", sleep)
    monkeypatch.setattr("inngest._internal.runtime.drivers.asyncio.sleep", sleep_async)
    return found


def client_with(*outcomes: Response | FetchError, **options: Any) -> tuple[Inngest, FakeHTTP]:
    client = Inngest(app_id="app", **{"is_production": False, **options})
    http = FakeHTTP(*outcomes)
    client._http = http  # type: ignore[assignment]
    return client, http


def test_the_slash_that_an_origin_ends_with_is_in_no_url_twice(send: Send) -> None:
    client, http = client_with(ACCEPTED, event_key="k", event_api_base_url="http://h/")
    send(client, Event(name="a"))
    assert http.requests[0].url == "http://h/e/k"


def test_a_dev_server_is_given_any_key(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNGEST_EVENT_KEY", raising=False)
    client, http = client_with(ACCEPTED)
    send(client, Event(name="a"))
    assert http.requests[0].url == "http://127.0.0.1:8288/e/NO_EVENT_KEY_SET"


def test_events_are_sent_in_wire_form_and_their_ids_returned(send: Send) -> None:
    client, http = client_with(ACCEPTED, event_key="k", request_timeout=1500)
    events = [
        Event(name="a", data={"x": 1}, id="I", ts=0, user={"u": 1}, v="2"),
        Event(name="b"),
    ]
    assert send(client, events) == ["1", "2"]
    (request,) = http.requests
    assert request.url == "http://127.0.0.1:8288/e/k"
    assert request.timeout == 1.5
    first, second = json.loads(request.body)
    assert first == {"name": "a", "data": {"x": 1}, "id": "I", "ts": 0, "user": {"u": 1}, "v": "2"}
    assert second["ts"] > 1_600_000_000_000


@pytest.mark.parametrize("is_production", [False, True])
def test_no_events_send_nothing_and_need_no_key(
    send: Send, is_production: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INNGEST_EVENT_KEY", raising=False)
    client, http = client_with(is_production=is_production)
    assert send(client, []) == []
    assert not http.requests


def test_a_refused_connection_is_tried_five_times_without_a_last_pause(
    send: Send, pauses: list[float]
) -> None:
    cause = ConnectionError("refused")
    client, http = client_with(*[FetchError(cause)] * 5)
    with pytest.raises(SendEventsError) as caught:
        send(client, Event(name="e"))
    assert caught.value.__cause__ is cause
    assert len(http.requests) == 5
    assert len(pauses) == 4
    assert len({request.headers["x-inngest-event-id-seed"] for request in http.requests}) == 1


def test_a_server_error_is_tried_again(send: Send, pauses: list[float]) -> None:
    client, _ = client_with(answer(503, b"<html>"), ACCEPTED)
    assert send(client, Event(name="e")) == ["1", "2"]
    assert len(pauses) == 1


def test_a_server_error_that_is_not_json_is_an_error_of_ours(
    send: Send, pauses: list[float]
) -> None:
    client, _ = client_with(*[answer(502, b"<html>bad gateway")] * 5)
    with pytest.raises(SendEventsError, match="status 502"):
        send(client, Event(name="e"))


def test_a_refusal_names_what_was_accepted(send: Send) -> None:
    client, http = client_with(answer(400, b'{"ids":["1"],"error":"bad","status":400}'))
    with pytest.raises(SendEventsError, match="bad") as caught:
        send(client, Event(name="e"))
    assert caught.value.ids == ["1"]
    assert len(http.requests) == 1


def test_the_cloud_needs_an_event_key(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNGEST_EVENT_KEY", raising=False)
    client, http = client_with(is_production=True)
    with pytest.raises(EventKeyUnspecifiedError):
        send(client, Event(name="e"))
    assert not http.requests


@pytest.mark.parametrize("nest", [lambda x: x, lambda x: {"in": [x]}])
def test_data_is_written_or_refused_alike_at_every_depth(
    send: Send, nest: Callable[[object], Any]
) -> None:
    client, http = client_with(ACCEPTED)
    when = datetime.datetime(2030, 1, 2, tzinfo=datetime.timezone.utc)
    send(client, Event(name="e", data={"when": nest(when)}))
    (sent,) = json.loads(http.requests[0].body)
    assert sent["data"] == {"when": nest("2030-01-02T00:00:00Z")}
    with pytest.raises(SendEventsError, match="object is not JSON"):
        send(client, Event(name="e", data={"when": nest(object())}))
    assert len(http.requests) == 1


def test_a_mistyped_argument_of_an_event_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="name"):
        Event(nmae="e")  # type: ignore[call-arg]


@pytest.mark.parametrize("key", ["signkey-test-zz", "nonsense", "signkey-prod-"])
def test_a_malformed_signing_key_is_refused_at_once_and_not_shown(key: str) -> None:
    with pytest.raises(SigningKeyInvalidError) as caught:
        Inngest(app_id="a", is_production=True, signing_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("httpbin", "http://httpbin"),
        ("http://http.example.com/", "http://http.example.com/"),
        ("https://ppp.tth", "https://ppp.tth"),
        ("localhost:8288", "http://localhost:8288"),
    ],
)
def test_any_host_is_an_origin(text: str, origin: str) -> None:
    assert Inngest(app_id="a", is_production=False, api_base_url=text).api_origin == origin


@pytest.mark.parametrize("text", ["ftp://x", "http://", "a b", "http://u:p@h"])
def test_an_origin_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(URLInvalidError):
        Inngest(app_id="a", is_production=False, api_base_url=text)


@pytest.mark.parametrize("events", [None, "name", {"name": "a"}, 5, [Event(name="a"), "b"]])
def test_only_events_are_sent(events: Any) -> None:
    client = Inngest(app_id="app", is_production=False)
    with pytest.raises(SendEventsError, match=r"an inngest\.Event is needed"):
        client.send_sync(events)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (MiddlewareSync, "middleware: must be a list, not the class MiddlewareSync"),
        (3, "middleware: must be a list, not an object of int"),
        (["audit"], "middleware: must be classes or factories, not an object of str"),
        ([object()], "middleware: must be classes or factories, not an object of object"),
    ],
)
def test_middleware_that_is_none_is_said_at_once(given: Any, told: str) -> None:
    client = Inngest(app_id="app", is_production=False)
    for declare in (
        lambda: Inngest(app_id="app", is_production=False, middleware=given),
        lambda: client.create_function(
            fn_id="fn", trigger=TriggerEvent(event="go"), middleware=given
        ),
    ):
        with pytest.raises(FunctionConfigInvalidError, match=re.escape(told)):
            declare()
    with pytest.raises(FunctionConfigInvalidError, match="not an object of str"):
        client.add_middleware("audit")  # type: ignore[arg-type]


class Plain:
    def serialize(self, obj: object, typ: object) -> object:
        return obj

    def deserialize(self, obj: object, typ: object) -> object:
        return obj


class Static:
    serialize = staticmethod(lambda obj, typ: obj)
    deserialize = staticmethod(lambda obj, typ: obj)


@pytest.mark.parametrize("right", [Plain(), Static(), Static])
def test_what_has_the_methods_is_a_serializer(right: Any) -> None:
    assert Inngest(app_id="app", is_production=False, serializer=right)._serializer is right


@pytest.mark.parametrize("wrong", [3, object(), Plain])
def test_a_serializer_that_is_none_is_said_at_once(wrong: Any) -> None:
    with pytest.raises(SerializerUnknownError, match="the methods serialize and deserialize"):
        Inngest(app_id="app", is_production=False, serializer=wrong)


@pytest.mark.parametrize("given", ["yes", 1, [], Checkpointing])
def test_checkpointing_that_is_none_is_said_at_once(given: Any) -> None:
    client = Inngest(app_id="app", is_production=False)
    for declare in (
        lambda: Inngest(app_id="app", is_production=False, checkpointing=given),
        lambda: client.create_function(
            fn_id="fn", trigger=TriggerEvent(event="go"), checkpointing=given
        ),
    ):
        with pytest.raises(FunctionConfigInvalidError, match=r"checkpointing: must be an inngest"):
            declare()


def test_checkpointing_may_be_a_dictionary_as_other_options() -> None:
    fields: Any = {"buffered_steps": 3}
    client = Inngest(app_id="app", is_production=False, checkpointing=fields)
    assert client._checkpointing == Checkpointing(buffered_steps=3)

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event="go"), checkpointing=fields)
    def fn(ctx: object) -> None: ...

    assert fn.checkpointing == Checkpointing(buffered_steps=3)
    with pytest.raises(FunctionConfigInvalidError, match="bufered_steps"):
        Inngest(app_id="app", is_production=False, checkpointing={"bufered_steps": 3})  # type: ignore[arg-type]


def test_a_misspelt_hook_is_said(caplog: pytest.LogCaptureFixture) -> None:
    class Misspelt(MiddlewareSync):
        def transform_inptu(self, ctx: object, function: object, steps: object) -> None: ...

    class Fine(MiddlewareSync):
        blocks = True
        block = False

        def transform_input(self, ctx: object, function: object, steps: object) -> None: ...

        def connect(self) -> None: ...

        def _wrap_steps(self) -> None: ...

    Inngest(app_id="app", is_production=False, middleware=[Misspelt, Fine])
    assert caplog.messages == [
        "middleware Misspelt has no hook transform_inptu; did you mean transform_input?"
    ]
