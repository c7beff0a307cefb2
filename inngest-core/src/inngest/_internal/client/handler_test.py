from __future__ import annotations

import asyncio
import json
from contextlib import AbstractContextManager
from typing import Any

import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.client.handler import Handler
from inngest._internal.errors import FunctionConfigInvalidError, URLInvalidError
from inngest._internal.function.config import TriggerEvent
from inngest._internal.http.comm import CommRequest
from inngest._internal.http.options import ServeOptions


def serve(options: ServeOptions) -> Handler:
    client = Inngest(app_id="app", is_production=False)

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event="a/b"))
    async def fn(ctx: object) -> None: ...

    return Handler(client, [fn], options)


@pytest.mark.parametrize(
    "origin", ["ftp://app.test", "http://", "https://app test", "http://h/?q=1"]
)
def test_an_origin_that_no_server_can_call_is_refused_when_the_app_is_served(origin: str) -> None:
    for options in (
        ServeOptions(framework="test", serve_origin=origin, environ={}),
        ServeOptions(framework="test", environ={"INNGEST_SERVE_ORIGIN": origin}),
    ):
        with pytest.raises(URLInvalidError, match=r"^serve_origin") as caught:
            serve(options)
        assert origin not in caught.value.message


@pytest.mark.parametrize("origin", [None, "https://app.test", "app.test", "http://localhost:8000/"])
def test_other_origins_are_served(origin: str | None) -> None:
    serve(ServeOptions(framework="test", serve_origin=origin, environ={}))


def called(handler: Handler, *, is_async: bool) -> tuple[int, str]:
    request = CommRequest(
        method="POST",
        url="http://app/api/inngest",
        headers={},
        query={"fnId": "app-fn"},
        body=b'{"ctx": {"run_id": "r", "attempt": 0}, "event": {"name": "a/b"}, "steps": {}}',
    )
    answer = (
        asyncio.run(handler.handle_async(request)) if is_async else handler.handle_sync(request)
    )
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("is_async", [False, True])
def test_what_fails_beside_the_functions_is_an_answer_and_in_the_log(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = Inngest(app_id="app", is_production=False)

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event="a/b"))
    def fn(ctx: object) -> None: ...

    handler = Handler(client, [fn], ServeOptions(framework="test", environ={}))
    client.middleware = None  # type: ignore[assignment]
    status, body = called(handler, is_async=is_async)
    assert (status, json.loads(body)["code"]) == (500, "unknown")
    assert "NoneType" not in body
    assert "NoneType" in caplog.text


def test_surroundings_that_fail_are_an_answer_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> AbstractContextManager[None]:
        raise OSError("no database")

    client = Inngest(app_id="app", is_production=False)

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event="a/b"))
    def fn(ctx: object) -> None: ...

    options = ServeOptions(framework="test", environ={})
    status, body = called(Handler(client, [fn], options, surroundings=fail), is_async=True)
    assert (status, json.loads(body)["code"]) == (500, "unknown")
    assert "no database" not in body
    assert "no database" in caplog.text


@pytest.mark.parametrize("wrong", [lambda ctx: None, "function", [print], {"fn": 1}, 3])
def test_what_is_no_list_of_functions_is_refused_when_it_is_served(wrong: Any) -> None:
    client = Inngest(app_id="app", is_production=False)
    with pytest.raises(FunctionConfigInvalidError, match=r"^serve\(\) takes"):
        Handler(client, wrong, ServeOptions(framework="test", environ={}))
