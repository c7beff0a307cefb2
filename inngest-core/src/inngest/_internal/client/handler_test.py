from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.client.handler import Handler
from inngest._internal.errors import FunctionConfigInvalidError, URLInvalidError
from inngest._internal.function.config import TriggerEvent
from inngest._internal.http.comm import CommRequest, CommStream
from inngest._internal.http.options import ServeOptions
from inngest._internal.http.streaming import Streaming
from inngest._internal.middleware.contract import MiddlewareSync
from inngest._internal.middleware.records import WrappedRequest


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


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://app.test", "https://app.test/fns"),
        (" https://app.test ", "https://app.test/fns"),
        ("app.test", "https://app.test/fns"),
        ("http.app.test", "https://http.app.test/fns"),
        ("web", "https://web/fns"),
        ("localhost:8000", "http://localhost:8000/fns"),
    ],
)
def test_an_origin_is_registered_as_it_was_understood(origin: str, url: str) -> None:
    environ = {"INNGEST_SERVE_ORIGIN": origin}
    handler = serve(ServeOptions(framework="test", environ=environ))
    assert handler.public_url("/fns") == url
    answer = handler.handle_sync(CommRequest(method="GET", url="", headers={}, query={}, body=b""))
    assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "http://app.test/fns",
        "/http://app.test/fns",
        "app:fns",
        "/fns?token=secret",
        "/fns#secret",
        "/my fns",
        "/fns\n",
        " ",
        5,
    ],
)
def test_a_path_that_is_none_is_refused(path: Any) -> None:
    options = [
        ServeOptions(framework="test", serve_path=path, environ={}),
        ServeOptions(framework="test", public_path=path, environ={}),
    ]
    if isinstance(path, str):
        options.append(ServeOptions(framework="test", environ={"INNGEST_SERVE_PATH": path}))
    for each in options:
        with pytest.raises(URLInvalidError, match="must be a path") as caught:
            serve(each)
        assert "secret" not in caught.value.message


@pytest.mark.parametrize("path", ["fns", "/fns", "/", "", "/a.b/:id", "/caf\u00e9/%20", "//x"])
def test_other_paths_are_served(path: str) -> None:
    serve(ServeOptions(framework="test", serve_path=path, public_path=path, environ={}))


CALL = CommRequest(
    method="POST",
    url="http://app/api/inngest",
    headers={},
    query={"fnId": "app-fn"},
    body=b'{"ctx": {"run_id": "r", "attempt": 0}, "event": {"name": "a/b"}, "steps": {}}',
)


def test_a_streamed_answer_that_nobody_reads_begins_nothing() -> None:
    """Django does not close a stream whose client disconnects before the first chunk."""
    handler = serve(ServeOptions(framework="test", streaming=Streaming.FORCE, environ={}))

    async def drop_it() -> None:
        assert isinstance(await handler.stream_async(CALL), CommStream)
        gc.collect()  # emits the warning about a coroutine that was never awaited

    asyncio.run(drop_it())


def called(handler: Handler, *, is_async: bool) -> tuple[int, str]:
    answer = asyncio.run(handler.handle_async(CALL)) if is_async else handler.handle_sync(CALL)
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
    with pytest.raises(FunctionConfigInvalidError, match=r"^functions: must be"):
        Handler(client, wrong, ServeOptions(framework="test", environ={}))


def test_arguments_in_another_order_are_said() -> None:
    with pytest.raises(FunctionConfigInvalidError) as caught:
        Handler(object(), [], ServeOptions(framework="test", environ={}))  # type: ignore[arg-type]
    assert "needs an inngest.Inngest as its client, not a object" in str(caught.value)


LOCALE: ContextVar[str] = ContextVar("LOCALE", default="none")


class Setting(MiddlewareSync):
    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        LOCALE.set("de")
        yield


@pytest.mark.parametrize("is_async_function", [False, True])
def test_what_a_hook_sets_in_the_context_is_gone_for_whoever_called(
    is_async_function: bool,
) -> None:
    """A transport may handle all its calls in one task."""
    client = Inngest(app_id="app", is_production=False, middleware=[Setting])

    def sync(ctx: object) -> str:
        return LOCALE.get()

    async def asynchronous(ctx: object) -> str:
        await asyncio.sleep(0)
        return LOCALE.get()

    handler: Any = asynchronous if is_async_function else sync
    fn = client.create_function(fn_id="fn", trigger=TriggerEvent(event="a/b"))(handler)
    served = Handler(client, [fn], ServeOptions(framework="test", environ={}))

    async def in_one_task() -> tuple[bytes, str]:
        answer = await served.handle_async(CALL)
        return answer.body, LOCALE.get()

    assert asyncio.run(in_one_task()) == (b'"de"', "none")
    assert (served.handle_sync(CALL).body, LOCALE.get()) == (b'"de"', "none")
