"""Serve Inngest functions from a Falcon app, WSGI or ASGI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import falcon
import falcon.asgi

from inngest import Function, Inngest
from inngest.transport import MAX_BODY_BYTES, CommRequest, CommResponse, Handler, ServeOptions

FRAMEWORK = "falcon"


def serve(
    app: falcon.App[Any, Any] | falcon.asgi.App[Any, Any],
    client: Inngest,
    functions: Sequence[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
) -> None:
    """Mount the endpoint that the Inngest server calls, at ``/api/inngest`` by default."""
    options = ServeOptions(
        framework=FRAMEWORK,
        enable_unauthed_sync=enable_unauthed_sync,
        public_path=public_path,
        serve_origin=serve_origin,
        serve_path=serve_path,
    )
    handler = Handler(client, functions, options)
    kind = AsyncEndpoint if isinstance(app, falcon.asgi.App) else Endpoint
    app.add_route(handler.mount_path, kind(handler))


class Endpoint:
    """The endpoint of a WSGI app."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        body = request.bounded_stream.read(MAX_BODY_BYTES + 1)
        answer = self._handler.handle_sync(_read(request, body))
        assert isinstance(answer, CommResponse)  # a stream would have to be asked for
        _write(response, answer)

    on_post = on_put = on_get


class AsyncEndpoint:
    """The endpoint of an ASGI app."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        body = await request.stream.read(MAX_BODY_BYTES + 1)
        answer = await self._handler.handle_async(_read(request, body))
        assert isinstance(answer, CommResponse)
        _write(response, answer)

    on_post = on_put = on_get


def _read(request: falcon.Request | falcon.asgi.Request, body: bytes) -> CommRequest:
    return CommRequest(
        method=request.method,
        url=request.url,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(parse_qsl(request.query_string, keep_blank_values=True)),
        body=body,
        raw=request,
    )


def _write(response: falcon.Response | falcon.asgi.Response, answer: CommResponse) -> None:
    response.status = answer.status
    response.data = answer.body
    for name, value in answer.headers.items():
        response.set_header(name, value)
