"""The HTTP face of the engine: one ASGI application with all routes of the API.

Wrong input is answered with a 4xx and a message; bodies are limited.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.apps import AppRoutes
from inngest.dev._internal.api.connect_routes import ConnectRoutes, no_socket
from inngest.dev._internal.api.endpoints import EndpointRoutes
from inngest.dev._internal.api.events import EventRoutes
from inngest.dev._internal.api.graphql import GraphQl
from inngest.dev._internal.api.guards import Guards
from inngest.dev._internal.api.openapi import describe, describes
from inngest.dev._internal.api.realtime import Realtime
from inngest.dev._internal.api.responses import failed
from inngest.dev._internal.api.rest import Rest
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.store.database import StoreError, unusable

_log = logging.getLogger("inngest.dev")


def build_app(
    engine: Engine,
    more: Sequence[Route] = (),
    *,
    host: str = "localhost",
    has_sockets: bool = True,
) -> ASGIApp:
    """The ASGI application of a started engine.

    :param more: routes that are not the server's, such as the dashboard's.
    :param host: what the engine listens on.
    :param has_sockets: whether what serves it takes WebSockets.
    """
    guards = Guards(engine, host)
    keyed = guards.keyed
    apps, events, rest = AppRoutes(engine), EventRoutes(engine, guards), Rest(engine)
    connect = ConnectRoutes(engine, has_sockets=has_sockets)
    endpoints, realtime = EndpointRoutes(engine), Realtime(engine)
    routes: list[BaseRoute] = [
        Route("/e/", events.no_event_key, methods=["POST"]),
        Route("/e/{key}", events.send, methods=["POST"]),
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/dev", keyed(apps.info), methods=["GET"]),
        Route("/fn/register", keyed(apps.register), methods=["POST"]),
        Route("/v1/events", keyed(events.newest), methods=["GET"]),
        Route("/v1/events/{id}", keyed(events.get), methods=["GET"]),
        Route("/v1/events/{id}/runs", keyed(events.runs), methods=["GET"]),
        Route("/v1/runs/{id}", keyed(rest.get_run), methods=["GET"]),
        Route("/v1/runs/{id}", keyed(rest.cancel), methods=["DELETE"]),
        Route("/v1/runs/{id}/jobs", keyed(rest.jobs), methods=["GET"]),
        Route("/v1/runs/{id}/metadata", keyed(rest.metadata), methods=["POST"]),
        *(
            Route(prefix + path, handler, methods=[method])
            for prefix in ("/v1/checkpoint", "/v1/http/runs")  # the second is the older one
            for path, handler, method in (
                ("", keyed(endpoints.begin), "POST"),
                ("/{id}/steps", keyed(endpoints.record), "POST"),
                ("/{id}/output", endpoints.output, "GET"),
                ("/{id}/async", keyed(rest.checkpoint), "POST"),
            )
        ),
        Route("/v1/cancellations", keyed(rest.cancellations), methods=["GET", "POST"]),
        Route("/v1/cancellations/{id}", keyed(rest.cancellations), methods=["DELETE"]),
        Route("/v1/apps/{app}/functions", keyed(apps.functions), methods=["GET"]),
        Route("/invoke/{id:path}", guards.unkeyed(rest.invoke), methods=["POST"]),
        Route("/v0/gql", keyed(GraphQl(engine).query), methods=["POST"]),
        Route("/v0/runs/{id}", keyed(rest.cancel_legacy), methods=["DELETE"]),
        Route("/v1/signals", keyed(rest.signal), methods=["POST"]),
        Route("/v0/runs", keyed(rest.list_runs), methods=["GET"]),
        Route("/v0/runs/{id}/rerun", keyed(rest.rerun), methods=["POST"]),
        Route("/v0/runs/{id}/export", keyed(rest.export), methods=["GET"]),
        Route("/v0/runs/{id}/history", keyed(rest.history), methods=["GET"]),
        Route("/v0/runs/{id}/batch", keyed(rest.batch), methods=["GET"]),
        Route("/v0/runs/{id}/actions", keyed(rest.actions), methods=["GET"]),
        Route("/v0/sync", keyed(apps.sync), methods=["POST"]),
        Route("/v0/connect/start", keyed(connect.start), methods=["POST"]),
        Route("/v0/connect/flush", keyed(connect.flush), methods=["POST"]),
        WebSocketRoute("/v0/connect", connect.socket),
        Route("/v1/realtime/token", keyed(realtime.token), methods=["POST"]),
        Route("/v1/realtime/publish", keyed(realtime.publish), methods=["POST"]),
        Route("/v1/realtime/publish/tee", keyed(realtime.tee), methods=["POST"]),
        Route("/v1/realtime/sse", realtime.events, methods=["GET"]),
        WebSocketRoute("/v1/realtime/connect", realtime.socket),
        *(() if has_sockets else [Route("/v1/realtime/connect", no_socket, methods=["GET"])]),
        *more,
    ]
    return _Kind(Starlette(routes=routes, exception_handlers={StoreError: _unstored}), engine.kind)


@describes(answers={200: forms.Health})
async def health(_request: Request) -> Response:
    """Whether the engine is there."""
    return JSONResponse({"status": 200, "message": "OK"})


@describes(answers={200: dict[str, Any]})
async def openapi(request: Request) -> Response:
    """This description."""
    state = request.app.state
    if not hasattr(state, "description"):
        title = "Inngest, embedded engine"
        state.description = describe(
            request.app.routes, title=title, version=version("inngest-dev")
        )
    return JSONResponse(state.description)


async def _unstored(_request: Request, error: Exception) -> Response:
    message = unusable(error)
    _log.error("%s", message)
    return failed(500, message)


class _Kind:
    """Puts the server kind on every response."""

    def __init__(self, app: ASGIApp, kind: str) -> None:
        self._app, self._kind = app, kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message)["x-inngest-server-kind"] = self._kind
            await send(message)

        await self._app(scope, receive, marked)
