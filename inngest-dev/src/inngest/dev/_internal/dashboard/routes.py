"""The routes of the dashboard: its page, its files, and the JSON that they ask for."""

from __future__ import annotations

import mimetypes
from dataclasses import replace
from importlib.resources import files
from typing import Any, Literal

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import TooLargeError, body_of, failed
from inngest.dev._internal.api.rest import Rest
from inngest.dev._internal.dashboard import queries
from inngest.dev._internal.dashboard.guard import Guard
from inngest.dev._internal.dashboard.live import Live
from inngest.dev._internal.model.ids import is_ulid
from inngest.dev._internal.model.strict import clean, decode
from inngest.dev._internal.running.engine import Engine

_STATIC = files("inngest.dev._internal.dashboard") / "static"


class Dashboard:
    def __init__(self, engine: Engine, host: str) -> None:
        self._engine, self._rest = engine, Rest(engine)
        self._live = Live()
        self.guard = Guard(host, is_keyed=engine.signing_key is not None, now=engine.clock.now)
        self.schemas: dict[str, Any] = {}
        """JSON schemas of typed events, by name: hints for the page that sends them."""
        engine.subscribe(self._live.changed, self._live.stir)
        self._files = {path.name: path.read_bytes() for path in _STATIC.iterdir()}

    def dismiss(self) -> None:
        """Let go of the pages that watch."""
        self._live.dismiss()

    def routes(self) -> list[Route]:
        guard = self.guard
        read = {
            "/ui/api/overview": self.overview,
            "/ui/api/functions": self.functions,
            "/ui/api/runs": self.runs,
            "/ui/api/runs/{id}": self.run,
            "/ui/api/events": self.events,
            "/ui/api/events/{id}": self.event,
            "/ui/api/names": self.names,
            "/ui/api/live": self.live,
        }
        act = {
            "/ui/api/send": self.send,
            "/ui/api/invoke": self.invoke,
            "/ui/api/runs/{id}/cancel": self.cancel,
            "/ui/api/runs/{id}/rerun": self.rerun,
        }
        return [
            Route("/", guard.page(self.page), methods=["GET"]),
            Route("/ui/{name}", guard.page(self.file), methods=["GET"]),
            *(Route(path, guard.read(do), methods=["GET"]) for path, do in read.items()),
            *(Route(path, guard.action(do), methods=["POST"]) for path, do in act.items()),
        ]

    # files

    @describes(answers={200: str}, text="text/html")
    async def page(self, request: Request) -> Response:
        """The dashboard."""
        token = "" if self.guard.is_keyed else self.guard.token
        text = self._files["index.html"].replace(b"{{token}}", token.encode())
        text = text.replace(b"{{mark}}", str(self._live.mark).encode())
        return Response(text, media_type="text/html")

    @describes(answers={200: None}, fails=[404])
    async def file(self, request: Request) -> Response:
        """A file of the dashboard."""
        content = self._files.get(request.path_params["name"])
        if content is None:
            return failed(404, "there is no such file")
        kind, _ = mimetypes.guess_type(request.path_params["name"])
        return Response(content, media_type=kind or "application/octet-stream")

    # reading

    @describes(query={"search": str, "function": str, "event": str}, answers={200: dict[str, Any]})
    async def overview(self, request: Request) -> Response:
        """How many runs there are of each status, and which apps."""
        wanted = replace(_filter(request.query_params), status="", before=None)
        return JSONResponse(
            {
                "counts": queries.counts(self._engine.store, wanted),
                "apps": self._engine.store.apps(),
                "now": self._engine.clock.now(),
            }
        )

    @describes(answers={200: list[dict[str, Any]]})
    async def functions(self, request: Request) -> Response:
        """The functions of all apps."""
        return JSONResponse(queries.functions(self._engine.store))

    @describes(
        query={
            "before": forms.Position,
            "limit": forms.Limit,
            "search": str,
            "status": forms.Status,
            "function": str,
            "event": str,
        },
        answers={200: list[dict[str, Any]]},
    )
    async def runs(self, request: Request) -> Response:
        """A page of runs, the newest first."""
        found = queries.runs_page(self._engine.store, _filter(request.query_params))
        return JSONResponse(found)

    @describes(answers={200: forms.History}, fails=[404])
    async def run(self, request: Request) -> Response:
        """A run with its steps, its attempts, and what it waits for."""
        run_id = request.path_params["id"]
        history = self._engine.history(run_id) if is_ulid(run_id) else None
        if history is None:
            return failed(404, "there is no such run")
        return JSONResponse({**history, "now": self._engine.clock.now()})

    @describes(
        query={
            "before": forms.Position,
            "limit": forms.Limit,
            "search": str,
            "internal": Literal["0", "1"],
        },
        answers={200: list[dict[str, Any]]},
    )
    async def events(self, request: Request) -> Response:
        """A page of events, the newest first."""
        given = request.query_params
        found = queries.events_page(
            self._engine.store,
            search=given.get("search", "")[:200],
            internal=given.get("internal") == "1",
            before=_number(given.get("before")),
            limit=_number(given.get("limit")) or 100,
        )
        return JSONResponse(found)

    @describes(answers={200: dict[str, Any]}, fails=[404])
    async def event(self, request: Request) -> Response:
        """An event as it was received."""
        event = self._engine.store.event(clean(request.path_params["id"]))
        if event is None:
            return failed(404, "there is no such event")
        return JSONResponse({"internal_id": event.internal_id, "body": event.body})

    @describes(answers={200: list[dict[str, Any]]})
    async def names(self, request: Request) -> Response:
        """What events can be sent, the last one of each, and schemas."""
        found = queries.event_names(self._engine.store)
        known = {each["name"] for each in found}
        more = [{"name": n, "last": None} for n in sorted(self.schemas) if n not in known]
        return JSONResponse([{**n, "schema": self.schemas.get(n["name"])} for n in found + more])

    @describes(query={"since": str}, answers={200: str}, text="text/event-stream")
    async def live(self, request: Request) -> Response:
        """Says which runs change, as server-sent events; null if any may have since `since`.

        None at all: something else has changed, such as an event that started nothing.
        """
        since = _number(request.query_params.get("since"))
        stream = self._live.stream(self._live.mark if since is None else since)
        return StreamingResponse(stream, media_type="text/event-stream")

    # acting

    @describes(body=forms.Event, answers={200: forms.SentFromPage}, fails=[400, 413])
    async def send(self, request: Request) -> Response:
        """Send an event."""
        try:
            raw = await body_of(request)
        except TooLargeError as error:
            return failed(413, str(error))
        taken = self._engine.send(raw)
        if taken.error is not None or not taken.events:
            return failed(400, taken.error or "there is no event in this")
        return JSONResponse({"ids": [event.internal_id for event in taken.events]})

    @describes(body=forms.DashboardInvocation, answers={200: forms.SentFromPage}, fails=[400, 413])
    async def invoke(self, request: Request) -> Response:
        """Start a function, whatever its triggers are."""
        try:
            decoded = decode(await body_of(request))
        except TooLargeError as error:
            return failed(413, str(error))
        except ValueError as error:
            return failed(400, f"the data cannot be read: {error}")
        body = decoded if isinstance(decoded, dict) else {}
        function_id, data = body.get("function"), body.get("data") or {}
        known = isinstance(function_id, str) and self._engine.store.function(function_id)
        if not known or not isinstance(data, dict):
            return failed(400, "an invocation names a function, and its data is an object")
        event_id = self._engine.invoke(clean(str(function_id)), {"data": data})
        return JSONResponse({"ids": [event_id]})

    @describes(answers={200: forms.Started}, fails=[404])
    async def cancel(self, request: Request) -> Response:
        """Cancel a run."""
        run_id = request.path_params["id"]
        if not is_ulid(run_id) or not self._engine.cancel(run_id):
            return failed(404, "there is no such run")
        return JSONResponse({"run_id": run_id})

    @describes(body=forms.Rerun, answers={200: forms.Started}, fails=[400, 404, 409, 413])
    async def rerun(self, request: Request) -> Response:
        """Start a run once more."""
        return await self._rest.rerun(request)


def _filter(given: QueryParams) -> queries.RunFilter:
    return queries.RunFilter(
        status=given.get("status", ""),
        function=given.get("function", ""),
        event=given.get("event", ""),
        search=given.get("search", "")[:200],
        before=_number(given.get("before")),
        limit=_number(given.get("limit")) or 100,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
