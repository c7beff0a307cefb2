from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import inngest
import inngest.asgi
import inngest.fast_api
from inngest.testing.bench import call_body

client = inngest.Inngest(app_id="app", is_production=False)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
async def fn(ctx: inngest.Context) -> str:
    return "done"


def ask(app: Any, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as asked:
            return await asked.request(method, path, content=body, headers=headers)

    return asyncio.run(send())


def call(app: Any, path: str, **headers: str) -> httpx.Response:
    return ask(app, "POST", f"{path}?fnId=app-fn&stepId=step", call_body(), **headers)


def test_a_router_is_included_with_its_prefix_and_its_dependencies() -> None:
    def needs_token(token: str = fastapi.Header(default="")) -> None:
        if token != "t":
            raise fastapi.HTTPException(403)

    router = fastapi.APIRouter(prefix="/internal", dependencies=[fastapi.Depends(needs_token)])
    inngest.fast_api.serve(router, client, [fn])
    app = fastapi.FastAPI()
    app.include_router(router)
    assert call(app, "/internal/api/inngest").status_code == 403
    assert call(app, "/internal/api/inngest", token="t").json() == "done"


@pytest.mark.parametrize("read", [fastapi.Request.body, fastapi.Request.json])
def test_a_dependency_that_reads_the_body_takes_nothing_away(read: Any) -> None:
    seen: list[Any] = []

    async def noting(request: fastapi.Request) -> None:
        seen.append(await read(request))

    app = fastapi.FastAPI(dependencies=[fastapi.Depends(noting)])
    inngest.fast_api.serve(app, client, [fn])
    assert call(app, "/api/inngest").json() == "done"
    assert len(seen) == 1 and seen[0]


def test_the_endpoint_is_not_in_the_schema() -> None:
    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [fn])
    assert app.openapi()["paths"] == {}


def test_an_unknown_method_is_answered_as_fastapi_does() -> None:
    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [fn])
    answer = ask(app, "DELETE", "/api/inngest")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["allow"]


def test_the_lifespan_of_the_app_stays() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[dict[str, int]]:
        log.append("up")
        yield {"n": 1}
        log.append("down")

    app = fastapi.FastAPI(lifespan=lifespan)
    inngest.fast_api.serve(app, client, [fn])

    async def live() -> None:
        async with app.router.lifespan_context(app) as state:
            assert state == {"n": 1}
            assert log == ["up"]

    asyncio.run(live())
    assert log == ["up", "down"]


def test_middleware_gets_the_frameworks_request() -> None:
    seen: list[object] = []

    class Noting(inngest.Middleware):
        def __init__(self, client: inngest.Inngest, raw_request: object) -> None:
            super().__init__(client, raw_request)
            seen.append(raw_request)

    noted = inngest.Inngest(app_id="app", is_production=False, middleware=[Noting])

    @noted.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    async def own(ctx: inngest.Context) -> str:
        return "done"

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, noted, [own])
    assert call(app, "/api/inngest").json() == "done"
    assert [type(one) for one in seen] == [fastapi.Request]


@pytest.mark.parametrize("is_body_complete", [False, True])
def test_a_client_that_leaves_is_no_error_for_middleware(is_body_complete: bool) -> None:
    """Starlette's raises where an app answers nothing."""
    ended: list[str] = []

    @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="e"))
    async def slow(ctx: inngest.Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [slow])

    @app.middleware("http")
    async def passing(request: fastapi.Request, call_next: Any) -> Any:
        return await call_next(request)

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": call_body(), "more_body": not is_body_complete},
        {"type": "http.disconnect"},
    ]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/inngest",
        "query_string": b"fnId=app-slow&stepId=step",
        "headers": [(b"host", b"app")],
    }
    asyncio.run(app(scope, receive, send))
    assert statuses == [499]
    assert ended == ["slow"] * is_body_complete


@pytest.mark.parametrize(
    ("path", "status"),
    [("/fns", 200), ("/fns/", 200), ("/fns/api/inngest", 200), ("/fns/other", 404)],
)
def test_the_plain_app_is_mounted_by_starlette(path: str, status: int) -> None:
    app = Starlette(routes=[Mount("/fns", inngest.asgi.serve(client, [fn]))])
    answer = ask(app, "GET", path)
    if answer.status_code == 307:  # Starlette sends /fns to /fns/
        answer = ask(app, "GET", answer.headers["location"])
    assert answer.status_code == status


def test_the_plain_app_has_no_websockets_and_an_empty_head() -> None:
    app = inngest.asgi.serve(client, [fn])
    assert ask(app, "HEAD", "/api/inngest").content == b""
    assert ask(app, "HEAD", "/api/inngest").status_code == 200
    sent: list[Any] = []

    async def connect() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app({"type": "websocket"}, receive, send)

    asyncio.run(connect())
    assert sent == [{"type": "websocket.close"}]
