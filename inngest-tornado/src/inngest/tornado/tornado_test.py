from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

import inngest
import inngest.tornado
import tornado.httpserver
import tornado.web
from inngest.testing.bench import call_body
from inngest.tornado._convert import InngestRequestHandler

SECONDS = 60.0

client = inngest.Inngest(app_id="app", is_production=False)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
async def fn(ctx: inngest.Context) -> str:
    return "done"


class Hello(tornado.web.RequestHandler):
    def get(self) -> None:
        self.write("hello")


def with_app(
    check: Callable[[httpx.AsyncClient], Awaitable[None]],
    max_body_size: int | None = None,
    **options: Any,
) -> None:
    async def run() -> None:
        app = tornado.web.Application(
            [("/.*", Hello)], xsrf_cookies=True, log_function=lambda handler: None
        )
        inngest.tornado.serve(app, client, [fn], **options)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            server = tornado.httpserver.HTTPServer(app, max_body_size=max_body_size)
            server.add_socket(listener)
            origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=origin, trust_env=False) as asked:
                await check(asked)
            server.stop()
            await server.close_all_connections()

    asyncio.run(run())


def test_the_endpoint_comes_before_the_routes_that_take_all() -> None:
    async def check(asked: httpx.AsyncClient) -> None:
        answer = await asked.post("/api/inngest?fnId=app-fn", content=call_body())
        assert (answer.status_code, answer.json()) == (200, "done")
        assert (await asked.get("/api/inngest/x")).text == "hello"

    with_app(check)


def test_a_path_is_no_pattern() -> None:
    async def check(asked: httpx.AsyncClient) -> None:
        assert "function_count" in (await asked.get("/a.b")).json()
        assert (await asked.get("/aXb")).text == "hello"

    with_app(check, serve_path="/a.b")


def test_answers_have_one_content_type_no_etag_and_no_body_for_head() -> None:
    async def check(asked: httpx.AsyncClient) -> None:
        answer = await asked.get("/api/inngest")
        assert answer.headers.get_list("content-type") == ["application/json"]
        assert "etag" not in answer.headers
        head = await asked.head("/api/inngest")
        assert (head.status_code, head.content) == (200, b"")

    with_app(check)


def test_a_body_larger_than_the_server_takes_for_others_comes_in() -> None:
    async def check(asked: httpx.AsyncClient) -> None:
        body = call_body(data={"text": "x" * 5000})
        answer = await asked.post("/api/inngest?fnId=app-fn", content=body)
        assert (answer.status_code, answer.json()) == (200, "done")
        assert (await asked.post("/other", content=body)).status_code == 400

    with_app(check, max_body_size=1000)


def test_nothing_is_left_of_a_client_that_leaves_in_the_middle_of_its_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def check(asked: httpx.AsyncClient) -> None:
        begun = asyncio.get_running_loop().create_future()
        prepare = InngestRequestHandler.prepare

        def note(handler: InngestRequestHandler) -> None:
            prepare(handler)
            begun.set_result(asyncio.current_task())

        monkeypatch.setattr(InngestRequestHandler, "prepare", note)
        url = asked.base_url
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /api/inngest HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n{")
        task = await asyncio.wait_for(begun, SECONDS)
        writer.close()
        done, _ = await asyncio.wait({task}, timeout=SECONDS)
        assert done

    with_app(check)
