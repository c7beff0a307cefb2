"""The HTTP face of the engine: events, registration, REST, and the routes of our displays.

Wrong input is answered with a 4xx and a message; bodies are limited.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inngest.dev.access import may_call, may_send
from inngest.dev.durations import iso
from inngest.dev.engine import Engine
from inngest.dev.ids import is_ulid
from inngest.dev.model import Json, Run
from inngest.dev.registration import Refusal
from inngest.dev.strict import clean, decode
from inngest.dev.views import enveloped, event_view, failure, run_view

MAX_EVENTS_BODY = 64 * 1024 * 1024
MAX_REGISTER_BODY = 16 * 1024 * 1024
_RAW = {"content-type": "text/plain; charset=utf-8"}
Handler = Callable[[Request], Awaitable[Response]]


class TooLargeError(Exception):
    """The body of a request is over its limit."""


def build_app(engine: Engine) -> ASGIApp:
    """The ASGI application of a started engine."""
    api = Api(engine)
    routes = [
        Route("/e/", api.no_event_key, methods=["POST"]),
        Route("/e/{key}", api.events, methods=["POST"]),
        Route("/health", api.health, methods=["GET"]),
        Route("/dev", api.keyed(api.info), methods=["GET"]),
        Route("/fn/register", api.keyed(api.register), methods=["POST"]),
        Route("/v1/events", api.keyed(api.list_events), methods=["GET"]),
        Route("/v1/events/{id}", api.keyed(api.get_event), methods=["GET"]),
        Route("/v1/events/{id}/runs", api.keyed(api.event_runs), methods=["GET"]),
        Route("/v1/runs/{id}", api.keyed(api.get_run), methods=["GET"]),
        Route("/v1/runs/{id}", api.keyed(api.cancel), methods=["DELETE"]),
        Route("/v1/signals", api.keyed(api.signal), methods=["POST"]),
        Route("/v0/runs", api.keyed(api.list_runs), methods=["GET"]),
        Route("/v0/runs/{id}/history", api.keyed(api.history), methods=["GET"]),
        Route("/v0/runs/{id}/batch", api.keyed(api.batch), methods=["GET"]),
        Route("/v0/runs/{id}/actions", api.keyed(api.actions), methods=["GET"]),
        Route("/v0/sync", api.keyed(api.sync), methods=["POST"]),
    ]
    return _Kind(Starlette(routes=routes), engine.kind)


class _Kind:
    """Puts the server kind on every response."""

    def __init__(self, app: ASGIApp, kind: str) -> None:
        self._app, self._kind = app, kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-inngest-server-kind"] = self._kind
            await send(message)

        await self._app(scope, receive, marked)


class Api:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keyed(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if not may_call(self._engine.signing_key, request.headers.get("authorization", "")):
                return PlainTextResponse("Authentication failed\n", 401)
            try:
                return await handler(request)
            except TooLargeError as error:
                return _failed(413, str(error))
            except ClientDisconnect:
                return _failed(400, "the request was not sent to its end")

        return checked

    # events

    async def no_event_key(self, request: Request) -> Response:
        return Response(status_code=303, headers={"location": "/e"})

    async def events(self, request: Request) -> Response:
        if not may_send(self._engine.event_key, request.path_params["key"]):
            body = {"status": 401, "message": "", "error": "Event key not found"}
            return JSONResponse(body, 401)
        try:
            raw = await _body(request, MAX_EVENTS_BODY)
        except TooLargeError as error:
            return _plain({"ids": [""], "status": 413, "error": str(error)}, 413)
        except ClientDisconnect:
            return _plain({"ids": [""], "status": 400, "error": "incomplete body"}, 400)
        taken = self._engine.send(raw, seed=request.headers.get("x-inngest-event-id-seed"))
        ids = [e.internal_id for e in taken.events] or [""]
        if taken.error is None:
            return _plain({"ids": ids, "status": 200}, 200)
        return _plain({"ids": ids, "status": 400, "error": taken.error}, 400)

    # registration

    async def register(self, request: Request) -> Response:
        expected = request.headers.get("x-inngest-expected-server-kind")
        kind = self._engine.kind
        if expected and expected != kind:
            return _plain({"error": f"Expected server kind {expected}, got {kind}"}, 400)
        try:
            body = decode(await _body(request, MAX_REGISTER_BODY))
        except ValueError as error:
            return _plain({"error": f"Invalid request: {error}"}, 400)
        outcome = self._engine.register(body)
        if isinstance(outcome, Refusal):
            return _plain(failure(400, outcome.message), 400)
        return _plain(outcome, 200)

    async def sync(self, request: Request) -> Response:
        try:
            body = decode(await _body(request, MAX_REGISTER_BODY))
        except ValueError as error:
            return _failed(400, f"Invalid request: {error}")
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            return _failed(400, "url must be the http(s) URL of an app's Inngest endpoint")
        try:
            urlsplit(url)
        except ValueError:
            return _failed(400, "url cannot be read")
        status, text = await self._engine.sync(url)
        if status != 200:
            detail = f" (status {status})" if status else ""
            return _failed(502, f"the app could not be synced{detail}: {text}")
        return JSONResponse({"ok": True, "url": url, "status": status})

    # information

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": 200, "message": "OK"})

    async def info(self, request: Request) -> Response:
        store = self._engine.store
        functions = [
            {"id": f.uuid, "slug": f.id, "name": f.name, "app": f.app, "url": f.url,
             "triggers": [{"event": t.event, "expression": t.expression} for t in f.triggers]}
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

    async def list_events(self, request: Request) -> Response:
        limit = _limit(request)
        if limit is None:
            return _failed(400, "limit must be a number from 1 to 1000")
        found = self._engine.store.events(request.query_params.get("name"), limit)
        return self._enveloped([event_view(e) for e in found])

    async def get_event(self, request: Request) -> Response:
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return _failed(400, f"Invalid event ID: {event_id}")
        event = self._engine.store.event(event_id)
        if event is None:
            return _failed(404, "Event not found")
        return self._enveloped(event_view(event))

    async def event_runs(self, request: Request) -> Response:
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return _failed(400, f"Invalid event ID: {event_id}")
        runs = self._engine.store.runs(event_id=event_id, limit=1000)
        return self._enveloped([self._view(run) for run in runs])

    async def get_run(self, request: Request) -> Response:
        run = self._run(request)
        return run if isinstance(run, Response) else self._enveloped(self._view(run))

    async def cancel(self, request: Request) -> Response:
        run = self._run(request)
        if isinstance(run, Response):
            return run
        self._engine.cancel(run.id)
        return JSONResponse(None)

    async def signal(self, request: Request) -> Response:
        try:
            body = decode(await _body(request, MAX_REGISTER_BODY))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return _failed(400, "Invalid signal data")
        name = body.get("signal")
        if not isinstance(name, str) or not name:
            return _failed(500, "Failed to receive signal")
        run_id = self._engine.signal(clean(name), body.get("data"))
        if run_id is None:
            return _failed(404, "No signal found")
        metadata = {"fetched_at": iso(self._engine.clock.now())}
        return JSONResponse({"data": {"run_id": run_id}, "metadata": metadata})

    # our own

    async def list_runs(self, request: Request) -> Response:
        limit = _limit(request)
        if limit is None:
            return _failed(400, "limit must be a number from 1 to 1000")
        return self._enveloped(self._engine.runs(limit=limit))

    async def history(self, request: Request) -> Response:
        run = self._run(request)
        return run if isinstance(run, Response) else self._enveloped(self._engine.history(run.id))

    # state, for use_api

    async def batch(self, request: Request) -> Response:
        run = self._state(request)
        return (
            run if isinstance(run, Response) else JSONResponse([dict(e.body) for e in run.events])
        )

    async def actions(self, request: Request) -> Response:
        run = self._state(request)
        return run if isinstance(run, Response) else JSONResponse(run.memos)

    def _state(self, request: Request) -> Run | Response:
        run_id = request.path_params["id"]
        if not is_ulid(run_id):
            return _failed(400, "The run ID specified is invalid")
        run = self._engine.store.run(run_id)
        if run is None or run.ended:
            return _failed(410, f"runtime state is no longer available for runID: {run_id}")
        return run

    def _run(self, request: Request) -> Run | Response:
        run_id = request.path_params["id"]
        if not is_ulid(run_id):
            return _failed(400, f"Invalid run ID: {run_id}")
        run = self._engine.store.run(run_id)
        return _failed(404, f"Unable to load function run: {run_id}") if run is None else run

    def _view(self, run: Run) -> dict[str, Json]:
        function = self._engine.store.function(run.function_id)
        return run_view(run, function.uuid if function else "")

    def _enveloped(self, data: Json) -> Response:
        return JSONResponse(enveloped(data, self._engine.clock.now()))


async def _body(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise TooLargeError(f"the body is over the limit of {limit} bytes")
    return bytes(content)


def _limit(request: Request) -> int | None:
    text = request.query_params.get("limit", "100")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if 1 <= number <= 1000 else None


def _failed(status: int, message: str) -> Response:
    return JSONResponse(failure(status, message), status)


def _plain(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status, headers=_RAW)
