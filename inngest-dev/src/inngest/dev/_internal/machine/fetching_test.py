"""Requests that steps have the engine make: how they are read, sent, and what comes of them."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.drivers.fetching import HttpGateway
from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable, read_request
from inngest.dev._internal.realtime.broker import Message

URL = "http://third.test/x"


def request(name: str, **opts: Any) -> Outbound:
    read = read_request(name, {"url": URL, **opts})
    assert isinstance(read, Outbound), read
    return read


@pytest.mark.parametrize(
    ("body", "sent"),
    [(None, ""), ("", ""), ('{"a":1}', '{"a":1}'), ("plain", '"plain"'), ("7", "7")],
)
def test_a_fetch_sends_json_as_it_is_and_quotes_the_rest(body: str | None, sent: str) -> None:
    read = request("Gateway", body=body, headers={"x-h": 1})
    assert (read.method, read.body, read.headers) == ("POST", sent, {"x-h": "1"})


@pytest.mark.parametrize(
    ("style", "header", "url"),
    [
        ("openai-chat", {"authorization": "Bearer K"}, URL),
        ("", {"authorization": "Bearer K"}, URL),
        ("anthropic", {"x-api-key": "K"}, URL),
        ("bedrock", {"authorization": "K"}, URL),
        ("gemini", {}, f"{URL}?key=K"),
    ],
)
def test_an_ai_key_goes_where_the_provider_wants_it(
    style: str, header: dict[str, str], url: str
) -> None:
    own = {"Content-Type": "text/plain", "Authorization": "mine", "X-API-Key": "mine"}
    taken = {name: value for name, value in own.items() if name.lower() in header}
    headers = {"Content-Type": "text/plain", **taken}
    read = request("AIGateway", body={"b": 1}, auth_key="K", format=style, headers=headers)
    assert read.headers == {"content-type": "application/json", **header}
    assert (read.method, read.url, read.body) == ("POST", url, '{"b":1}')


@pytest.mark.parametrize(
    ("opts", "named"),
    [
        ({"url": "ftp://x"}, "opts.url"),
        ({"url": None}, "opts.url"),
        ({"url": "http://["}, "opts.url"),
        ({"url": "http://h:99999/"}, "opts.url"),
        ({"headers": ["a"]}, "opts.headers"),
        ({"method": 1}, "opts.method"),
        ({"method": "GÉT"}, "opts.method"),
        ({"method": "GET /"}, "opts.method"),
        ({"body": {}}, "opts.body"),
        ({"publish": {"channel": "c"}}, "opts.publish"),
    ],
)
def test_what_cannot_be_sent_is_named(opts: dict[str, Any], named: str) -> None:
    read = read_request("Gateway", {"url": URL, **opts})
    assert isinstance(read, str)
    assert named in read


class Third:
    """Answers in place of a third party."""

    def __init__(self, *answers: Inbound | Unreachable) -> None:
        self.answers = list(answers)
        self.requests: list[Outbound] = []

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        self.requests.append(request)
        return self.answers.pop(0)

    async def close(self) -> None:
        return


def asks(name: str, **opts: Any) -> Any:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("g") in body["steps"]:
            return 200, body["steps"][hashed("g")]
        return 206, [op("g", name, opts={"url": URL, **opts})]

    return script


def outcome(app: App, third: Third, name: str, *, retries: int = 0, **opts: Any) -> Any:
    app.function(config("app-fn", "x", retries=retries), asks(name, **opts))

    async def go() -> Any:
        async with running(app, gateway=third, backoff=[0]) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert run["status"] == "Completed", run
            return run["output"]

    return bounded(go)


def test_an_error_status_is_a_result_of_a_fetch(app: App) -> None:
    third = Third(Inbound(status=503, headers={"content-type": "text/plain"}, body=b"no"))
    assert outcome(app, third, "Gateway", retries=3) == {
        "data": {"url": URL, "headers": {"Content-Type": "text/plain"}, "body": "no",
                 "status_code": 503}
    }  # fmt: skip
    assert len(third.requests) == 1


def test_a_fetch_that_reaches_nobody_is_retried_and_then_an_error(app: App) -> None:
    third = Third(*[Unreachable(reason="refused")] * 3)
    memo = outcome(app, third, "Gateway", retries=2)
    assert memo == {"error": {"name": "GatewayError",
                              "message": "Error making gateway request: refused"}}  # fmt: skip
    assert len(third.requests) == 3
    assert len(app.calls) == 2, "the app is not called in between"


def test_an_ai_provider_is_asked_again_after_an_error_status(app: App) -> None:
    good = Inbound(status=200, headers={}, body=b'{"id": 1}')
    third = Third(Inbound(status=500, headers={}, body=b"busy"), good)
    assert outcome(app, third, "AIGateway", retries=1, body={}) == {"data": {"id": 1}}


def test_an_ai_error_holds_what_the_provider_said(app: App) -> None:
    third = Third(Inbound(status=401, headers={}, body=b'{"e": "key"}'))
    assert outcome(app, third, "AIGateway", body={}) == {
        "error": {
            "name": "AIGatewayError",
            "message": "Error making AI request: unsuccessful status code: 401",
            "data": {"e": "key"},
            "stack": '{"e": "key"}',
        }
    }


def test_parallel_fetches_go_on_when_all_are_done(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if body["steps"]:
            return 200, sorted(memo["data"]["body"] for memo in body["steps"].values())
        return 206, [op(name, "Gateway", opts={"url": URL}) for name in "ab"]

    app.function(config("app-fn", "x"), script)
    third = Third(*(Inbound(status=200, headers={}, body=each) for each in (b"1", b"2")))

    async def go() -> None:
        async with running(app, gateway=third) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert run["output"] == ["1", "2"]

    bounded(go)
    assert len(app.calls) == 2


def test_http_is_spoken_and_its_failures_are_values() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/down":
            raise httpx.ConnectError("refused")
        told = {"method": request.method, "body": request.content.decode(),
                "h": request.headers.get("x-h")}  # fmt: skip
        date = "Mon, 23 Nov 2026 00:15:37 GMT"
        headers = [("x-multi", "a"), ("x-multi", "b"), ("date", date), ("content-encoding", "gzip")]
        return httpx.Response(
            201, content=gzip.compress(json.dumps(told).encode()), headers=headers
        )

    async def go() -> None:
        gateway = HttpGateway(httpx.MockTransport(handler))
        try:
            found = await gateway.fetch(request("Gateway", body="x", headers={"x-h": "1"}))
            assert isinstance(found, Inbound)
            assert found.status == 201
            assert json.loads(found.body) == {"method": "POST", "body": '"x"', "h": "1"}
            assert found.headers == {"x-multi": "a", "date": "Mon, 23 Nov 2026 00:15:37 GMT"}
            down = await gateway.fetch(request("Gateway", url="http://third.test/down"))
            assert down == Unreachable(reason="refused")
        finally:
            await gateway.close()

    bounded(go)


def fetched_by(handler: Any, *requests: Outbound, **options: Any) -> list[Inbound | Unreachable]:
    async def go() -> list[Inbound | Unreachable]:
        gateway = HttpGateway(httpx.MockTransport(handler), **options)
        try:
            return [await gateway.fetch(each) for each in requests]
        finally:
            await gateway.close()

    return bounded(go)


def test_a_cookie_of_one_request_is_not_sent_with_another() -> None:
    sent: list[str | None] = []

    def handler(received: httpx.Request) -> httpx.Response:
        sent.append(received.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "session=ada; Path=/"})

    own = request("Gateway", headers={"cookie": "mine=1"})
    first, *_ = fetched_by(handler, request("Gateway"), request("Gateway"), own)
    assert isinstance(first, Inbound)
    assert first.headers["set-cookie"] == "session=ada; Path=/"
    assert sent == [None, None, "mine=1"]


def test_headers_of_the_connection_are_the_engines() -> None:
    """The server leaves them out. One that lies of its body would keep the request from going."""
    seen: list[httpx.Headers] = []

    def handler(received: httpx.Request) -> httpx.Response:
        seen.append(received.headers)
        return httpx.Response(200)

    headers = {"Content-Length": "100", "Host": "evil.test", "Transfer-Encoding": "x", "x-h": " é "}
    fetched_by(handler, request("Gateway", body="7", headers=headers))
    (got,) = seen
    assert (got["content-length"], got["host"]) == ("1", "third.test")
    assert "transfer-encoding" not in got
    assert (b"x-h", "é".encode()) in got.raw


@pytest.mark.parametrize("value", ["Bearer SECRET\n", "SECRET\r\nevil: 1", "SECRET\x00"])
def test_a_header_that_cannot_be_sent_is_named_and_not_shown(value: str) -> None:
    def handler(received: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    bad_name = request("Gateway", headers={"x\ry": "SECRET"})
    refused = fetched_by(handler, request("Gateway", headers={"Authorization": value}), bad_name)
    assert refused == [
        Unreachable(reason="the value of the header 'Authorization' cannot be sent"),
        Unreachable(reason="a header cannot have the name 'x\\ry'"),
    ]


def test_whatever_goes_wrong_with_a_request_is_a_value() -> None:
    """An exception would have the engine make the request again and again, for ever."""

    def handler(received: httpx.Request) -> httpx.Response:
        raise RuntimeError("odd")

    assert fetched_by(handler, request("Gateway")) == [Unreachable(reason="odd")]


def test_an_answer_that_never_ends_is_not_waited_for_for_ever() -> None:
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(0.001)

    def handler(received: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Trickle())

    assert fetched_by(handler, request("Gateway"), timeout=0.05) == [
        Unreachable(reason="the answer did not end in 0.05 seconds")
    ]


@pytest.mark.parametrize("name", ["Gateway", "AIGateway"])
def test_an_answer_is_published_where_the_step_says(app: App, name: str) -> None:
    script = asks(name, publish={"channel": "c", "topic": "t"})
    app.function(config("app-fn", "x"), script)
    third = Third(Inbound(status=200, headers={}, body=b'{"said":"hello"}'))

    async def go() -> None:
        async with running(app, gateway=third) as engine:
            listener = engine.realtime.join([("c", "t")])
            run = await engine.wait_for_run(send(engine, "x"))
            told = []
            for _ in range(3):
                message = await listener.next()
                assert isinstance(message, Message)
                told.append(json.loads(message.text))
            assert [each["kind"] for each in told] == [
                "datastream-start",
                "chunk",
                "datastream-end",
            ]
            assert told[1]["data"] == '{"said":"hello"}'
            assert told[0]["run_id"] == run["run_id"]

    bounded(go)
