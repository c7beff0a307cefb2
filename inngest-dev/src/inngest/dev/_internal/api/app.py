"""The HTTP face of the engine: events, registration, REST, and the routes of our displays.

Wrong input is answered with a 4xx and a message; bodies are limited.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any, get_args
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.access import (
    is_foreign_name,
    is_foreign_page,
    is_loopback,
    may_call,
    may_send,
)
from inngest.dev._internal.api.endpoints import EndpointRoutes
from inngest.dev._internal.api.graphql import GraphQl
from inngest.dev._internal.api.openapi import describe, describes, guards
from inngest.dev._internal.api.realtime import Realtime
from inngest.dev._internal.api.responses import TooLargeError, body_of, failed, limit_of, plain
from inngest.dev._internal.api.rest import Rest
from inngest.dev._internal.api.views import enveloped, event_view, failure, run_of_event_view
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.model.ids import is_ulid
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Json, RunStatus
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.store.database import StoreError, unusable

_log = logging.getLogger("inngest.dev")
MAX_EVENTS_BODY = 64 * 1024 * 1024
_STATUSES = get_args(RunStatus)
_FOREIGN = (
    "The engine has no keys, and takes nothing from pages of other sites: ask it by localhost or "
    "an address, or give it a signing key and an event key\n"
)
_NO_CONNECT = "Connect needs: pip install inngest-dev[connect], and the engine started anew\n"
_NO_SOCKETS = _NO_CONNECT.replace("Connect needs", "WebSockets need")
Handler = Callable[[Request], Awaitable[Response]]


def build_app(
    engine: Engine,
    displays: Sequence[Route] = (),
    *,
    host: str = "localhost",
    has_sockets: bool = True,
) -> ASGIApp:
    """The ASGI application of a started engine, with the routes of displays, if any.

    :param host: what the engine listens on.
    :param has_sockets: whether what serves it takes WebSockets.
    """
    rest = Rest(engine)
    api = Api(engine, rest, host, has_sockets=has_sockets)
    realtime, endpoints = Realtime(engine), EndpointRoutes(engine)
    routes: list[BaseRoute] = [
        Route("/e/", api.no_event_key, methods=["POST"]),
        Route("/e/{key}", api.events, methods=["POST"]),
        Route("/openapi.json", api.openapi, methods=["GET"]),
        Route("/health", api.health, methods=["GET"]),
        Route("/dev", api.keyed(api.info), methods=["GET"]),
        Route("/fn/register", api.keyed(api.register), methods=["POST"]),
        Route("/v1/events", api.keyed(api.list_events), methods=["GET"]),
        Route("/v1/events/{id}", api.keyed(api.get_event), methods=["GET"]),
        Route("/v1/events/{id}/runs", api.keyed(api.event_runs), methods=["GET"]),
        Route("/v1/runs/{id}", api.keyed(rest.get_run), methods=["GET"]),
        Route("/v1/runs/{id}", api.keyed(rest.cancel), methods=["DELETE"]),
        Route("/v1/runs/{id}/jobs", api.keyed(rest.jobs), methods=["GET"]),
        Route("/v1/runs/{id}/metadata", api.keyed(rest.metadata), methods=["POST"]),
        *(
            Route(prefix + path, handler, methods=[method])
            for prefix in ("/v1/checkpoint", "/v1/http/runs")  # the second is the older one
            for path, handler, method in (
                ("", api.keyed(endpoints.begin), "POST"),
                ("/{id}/steps", api.keyed(endpoints.record), "POST"),
                ("/{id}/output", endpoints.output, "GET"),
                ("/{id}/async", api.keyed(rest.checkpoint), "POST"),
            )
        ),
        Route("/v1/cancellations", api.keyed(rest.cancellations), methods=["GET", "POST"]),
        Route("/v1/cancellations/{id}", api.keyed(rest.cancellations), methods=["DELETE"]),
        Route("/v1/apps/{app}/functions", api.keyed(rest.functions), methods=["GET"]),
        Route("/invoke/{id:path}", api.open(rest.invoke), methods=["POST"]),
        Route("/v0/gql", api.keyed(GraphQl(engine).query), methods=["POST"]),
        Route("/v0/runs/{id}", api.keyed(rest.cancel_legacy), methods=["DELETE"]),
        Route("/v1/signals", api.keyed(rest.signal), methods=["POST"]),
        Route("/v0/runs", api.keyed(api.list_runs), methods=["GET"]),
        Route("/v0/runs/{id}/rerun", api.keyed(rest.rerun), methods=["POST"]),
        Route("/v0/runs/{id}/export", api.keyed(rest.export), methods=["GET"]),
        Route("/v0/runs/{id}/history", api.keyed(rest.history), methods=["GET"]),
        Route("/v0/runs/{id}/batch", api.keyed(rest.batch), methods=["GET"]),
        Route("/v0/runs/{id}/actions", api.keyed(rest.actions), methods=["GET"]),
        Route("/v0/sync", api.keyed(api.sync), methods=["POST"]),
        Route("/v0/connect/start", api.keyed(api.connect_start), methods=["POST"]),
        Route("/v0/connect/flush", api.keyed(api.connect_flush), methods=["POST"]),
        WebSocketRoute("/v0/connect", api.connect_socket),
        Route("/v1/realtime/token", api.keyed(realtime.token), methods=["POST"]),
        Route("/v1/realtime/publish", api.keyed(realtime.publish), methods=["POST"]),
        Route("/v1/realtime/publish/tee", api.keyed(realtime.tee), methods=["POST"]),
        Route("/v1/realtime/sse", realtime.events, methods=["GET"]),
        WebSocketRoute("/v1/realtime/connect", realtime.socket),
        *(() if has_sockets else [Route("/v1/realtime/connect", api.no_socket, methods=["GET"])]),
        *displays,
    ]
    api.routes = routes
    return _Kind(Starlette(routes=routes, exception_handlers={StoreError: _unstored}), engine.kind)


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


class Api:
    def __init__(self, engine: Engine, rest: Rest, host: str, *, has_sockets: bool) -> None:
        self._engine, self._rest, self._host = engine, rest, host
        self._has_sockets = has_sockets
        self.routes: Sequence[BaseRoute] = ()
        """All that there are, to be described."""
        self._description: dict[str, Json] | None = None

    def keyed(self, handler: Handler) -> Handler:
        @guards(401, str)
        @functools.wraps(handler)
        async def checked(request: Request) -> Response:
            key = self._engine.signing_key
            if not may_call(key, request.headers.get("authorization", "")):
                return PlainTextResponse("Authentication failed\n", 401)
            if key is None and self._is_foreign(request):
                return PlainTextResponse(_FOREIGN, 401)
            return await answered(request)

        answered = self.guarded(handler)
        return checked

    def guarded(self, handler: Handler) -> Handler:
        """Without a key, as with the server: only bodies are checked."""

        @functools.wraps(handler)
        async def checked(request: Request) -> Response:
            try:
                return await handler(request)
            except TooLargeError as error:
                return failed(413, str(error))
            except ClientDisconnect:
                return failed(400, "the request was not sent to its end")

        return checked

    def open(self, handler: Handler) -> Handler:
        """Without a key, as with the server, but not for pages of other sites."""

        @guards(401, str)
        @functools.wraps(handler)
        async def checked(request: Request) -> Response:
            if self._is_foreign(request):
                return PlainTextResponse(_FOREIGN, 401)
            return await answered(request)

        answered = self.guarded(handler)
        return checked

    def _is_foreign(self, request: Request) -> bool:
        """Whether a browser may have been made to send it by somebody elsewhere."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if is_foreign_page(origin, host):
            return True
        if self._engine.signing_key is not None and origin is None:
            return False  # no page; and who gives it keys may well give it a name
        address, _ = request.scope.get("server") or ("", None)
        # from elsewhere, any name may be the right one
        return is_loopback(address) and is_foreign_name(host, self._host)

    # events

    @describes(answers={303: None})
    async def no_event_key(self, request: Request) -> Response:
        """The event key is missing in the path."""
        return Response(status_code=303, headers={"location": "/e"})

    @describes(
        body=forms.Event | list[forms.Event],
        answers={200: str, 400: str, 401: str, 413: str},
    )
    async def events(self, request: Request) -> Response:
        """Send events. They are durable when this is answered."""
        if not may_send(self._engine.event_key, request.path_params["key"]):
            body = {"status": 401, "message": "", "error": "Event key not found"}
            return JSONResponse(body, 401)
        if self._engine.event_key is None and self._is_foreign(request):
            return JSONResponse({"status": 401, "message": "", "error": _FOREIGN.strip()}, 401)
        try:
            raw = await body_of(request, MAX_EVENTS_BODY)
        except TooLargeError as error:
            return plain({"ids": [""], "status": 413, "error": str(error)}, 413)
        except ClientDisconnect:
            return plain({"ids": [""], "status": 400, "error": "incomplete body"}, 400)
        taken = self._engine.send(raw, seed=request.headers.get("x-inngest-event-id-seed"))
        ids = [e.internal_id for e in taken.events] or [""]
        if taken.error is None:
            return plain({"ids": ids, "status": 200}, 200)
        return plain({"ids": ids, "status": 400, "error": taken.error}, 400)

    # registration

    @describes(body=forms.Registration, answers={200: str, 400: str}, fails=[413])
    async def register(self, request: Request) -> Response:
        """Register an app with its functions: what SDKs call."""
        expected = request.headers.get("x-inngest-expected-server-kind")
        kind = self._engine.kind
        if expected and expected != kind:
            return plain({"error": f"Expected server kind {expected}, got {kind}"}, 400)
        try:
            body = decode(await body_of(request))
        except ValueError as error:
            return plain({"error": f"Invalid request: {error}"}, 400)
        outcome = self._engine.register(body)
        if isinstance(outcome, Refusal):
            return plain(failure(400, outcome.message), 400)
        return plain(outcome, 200)

    @describes(body=forms.Sync, answers={200: forms.Synced}, fails=[400, 413, 502])
    async def sync(self, request: Request) -> Response:
        """Ask the app at this URL to register."""
        try:
            body = decode(await body_of(request))
        except ValueError as error:
            return failed(400, f"Invalid request: {error}")
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            return failed(400, "url must be the http(s) URL of an app's Inngest endpoint")
        try:
            urlsplit(url)
        except ValueError:
            return failed(400, "url cannot be read")
        status, text = await self._engine.sync(url)
        if status != 200:
            detail = f" (status {status})" if status else ""
            return failed(502, f"the app could not be synced{detail}: {text}")
        return JSONResponse({"ok": True, "url": url, "status": status})

    # information

    @describes(answers={200: forms.Health})
    async def health(self, request: Request) -> Response:
        """Whether the engine is there."""
        return JSONResponse({"status": 200, "message": "OK"})

    @describes(answers={200: forms.Info})
    async def info(self, request: Request) -> Response:
        """What the engine is, with its apps and their functions."""
        store = self._engine.store
        functions = [
            {"id": f.uuid, "slug": f.id, "name": f.name, "app": f.app, "url": f.url,
             "triggers": [{"event": t.event, "expression": t.expression, "cron": t.cron}
                          for t in f.triggers]}
            for f in store.functions()
        ]  # fmt: skip
        info = {
            "version": "inngest-dev",
            "authed": self._engine.signing_key is not None,
            "startOpts": {},
            "apps": store.apps(),
            "functions": functions,
        }
        return JSONResponse(info)

    @describes(
        query={"name": str, "limit": forms.Limit},
        answers={200: forms.Envelope[list[forms.StoredEvent]]},
        fails=[400],
    )
    async def list_events(self, request: Request) -> Response:
        """The newest events."""
        limit = limit_of(request)
        if limit is None:
            return failed(400, "limit must be a number from 1 to 1000")
        found = self._engine.store.events(request.query_params.get("name"), limit)
        return self._enveloped([event_view(e) for e in found])

    @describes(answers={200: forms.Envelope[forms.StoredEvent]}, fails=[400, 404])
    async def get_event(self, request: Request) -> Response:
        """One event, by its internal id."""
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return failed(400, f"Invalid event ID: {event_id}")
        event = self._engine.store.event(event_id)
        if event is None:
            return failed(404, "Event not found")
        return self._enveloped(event_view(event))

    @describes(answers={200: forms.Envelope[list[forms.Run]]}, fails=[400])
    async def event_runs(self, request: Request) -> Response:
        """The runs that an event started."""
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return failed(400, f"Invalid event ID: {event_id}")
        runs = self._engine.store.runs(event_id=event_id, limit=1000)
        return self._enveloped([run_of_event_view(r, self._rest.function_uuid(r)) for r in runs])

    # our own

    @describes(
        query={"status": forms.Status, "function": str, "limit": forms.Limit},
        answers={200: forms.Envelope[list[forms.RunSummary]]},
        fails=[400],
    )
    async def list_runs(self, request: Request) -> Response:
        """The newest runs."""
        limit = limit_of(request)
        if limit is None:
            return failed(400, "limit must be a number from 1 to 1000")
        given = request.query_params
        wanted = {"status": given.get("status"), "function_id": given.get("function")}
        if wanted["status"] not in (None, *_STATUSES):
            return failed(400, f"status must be one of {', '.join(_STATUSES)}")
        return self._enveloped(self._engine.runs(limit=limit, **wanted))

    @describes(answers={200: dict[str, Any]})
    async def openapi(self, request: Request) -> Response:
        """This description."""
        if self._description is None:
            title = "Inngest, embedded engine"
            self._description = describe(self.routes, title=title, version=version("inngest-dev"))
        return JSONResponse(self._description)

    # connect; its modules need an extra

    @describes(answers={501: str})
    async def no_socket(self, request: Request) -> Response:
        """Where a WebSocket would be taken: the server cannot."""
        return PlainTextResponse(_NO_SOCKETS, 501)

    @describes(answers={200: bytes, 400: str, 501: str})
    async def connect_start(self, request: Request) -> Response:
        """A place to connect a worker to."""
        if not self._has_sockets:
            return PlainTextResponse(_NO_CONNECT, 501)
        try:
            from inngest.dev._internal.api import connect as routes
        except ImportError:
            return PlainTextResponse(_NO_CONNECT, 501)
        return await routes.start(request, self._engine.connect)

    @describes(answers={200: bytes, 400: str, 501: str})
    async def connect_flush(self, request: Request) -> Response:
        """Take an answer of a worker that has lost its connection."""
        from inngest.dev._internal.api import connect as routes

        return await routes.flush(request, self._engine.connect)

    async def connect_socket(self, socket: WebSocket) -> None:
        from inngest.dev._internal.api import connect as routes

        await routes.converse(socket, self._engine.connect)

    def _enveloped(self, data: Json) -> Response:
        return JSONResponse(enveloped(data, self._engine.clock.now()))
