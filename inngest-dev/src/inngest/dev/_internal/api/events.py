"""The routes of events: send them, look at them, and at the runs that they started."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.access import may_send
from inngest.dev._internal.api.guards import FOREIGN, Guards
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import TooLargeError, body_of, failed, limit_of, plain
from inngest.dev._internal.api.views import enveloped, event_view, function_uuid, run_of_event_view
from inngest.dev._internal.model.ids import is_ulid
from inngest.dev._internal.model.values import Json
from inngest.dev._internal.running.engine import Engine

MAX_EVENTS_BODY = 64 * 1024 * 1024


class EventRoutes:
    def __init__(self, engine: Engine, guards: Guards) -> None:
        self._engine, self._guards = engine, guards

    @describes(answers={303: None})
    async def no_event_key(self, request: Request) -> Response:
        """The event key is missing in the path."""
        return Response(status_code=303, headers={"location": "/e"})

    @describes(
        body=forms.Event | list[forms.Event],
        answers={200: str, 400: str, 401: str, 413: str},
    )
    async def send(self, request: Request) -> Response:
        """Send events. They are durable when this is answered."""
        if not may_send(self._engine.event_key, request.path_params["key"]):
            body = {"status": 401, "message": "", "error": "Event key not found"}
            return JSONResponse(body, 401)
        if self._engine.event_key is None and self._guards.is_foreign(request):
            return JSONResponse({"status": 401, "message": "", "error": FOREIGN.strip()}, 401)
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

    @describes(
        query={"name": str, "limit": forms.Limit},
        answers={200: forms.Envelope[list[forms.StoredEvent]]},
        fails=[400],
    )
    async def newest(self, request: Request) -> Response:
        """The newest events."""
        limit = limit_of(request)
        if limit is None:
            return failed(400, "limit must be a number from 1 to 1000")
        found = self._engine.store.events(request.query_params.get("name"), limit)
        return self._enveloped([event_view(e) for e in found])

    @describes(answers={200: forms.Envelope[forms.StoredEvent]}, fails=[400, 404])
    async def get(self, request: Request) -> Response:
        """One event, by its internal id."""
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return failed(400, f"Invalid event ID: {event_id}")
        event = self._engine.store.event(event_id)
        if event is None:
            return failed(404, "Event not found")
        return self._enveloped(event_view(event))

    @describes(answers={200: forms.Envelope[list[forms.Run]]}, fails=[400])
    async def runs(self, request: Request) -> Response:
        """The runs that an event started."""
        event_id = request.path_params["id"]
        if not is_ulid(event_id):
            return failed(400, f"Invalid event ID: {event_id}")
        store = self._engine.store
        runs = store.runs(event_id=event_id, limit=1000)
        return self._enveloped([run_of_event_view(r, function_uuid(r, store)) for r in runs])

    def _enveloped(self, data: Json) -> Response:
        return JSONResponse(enveloped(data, self._engine.clock.now()))
