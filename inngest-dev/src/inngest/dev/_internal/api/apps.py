"""The routes of apps: register one with its functions, and tell which there are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import body_of, failed, plain
from inngest.dev._internal.api.views import failure, function_view
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.model.ids import stable_uuid
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.urls import is_url
from inngest.dev._internal.running.engine import Engine


class AppRoutes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        if not isinstance(url, str) or not is_url(url):
            return failed(400, "url must be the http(s) URL of an app's Inngest endpoint")
        status, text = await self._engine.sync(url)
        if status != 200:
            detail = f" (status {status})" if status else ""
            return failed(502, f"the app could not be synced{detail}: {text}")
        return JSONResponse({"ok": True, "url": url, "status": status})

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

    @describes(answers={200: list[forms.AppFunction]}, fails=[404])
    async def functions(self, request: Request) -> Response:
        """The functions of an app."""
        app = request.path_params["app"]
        app_id = stable_uuid("app", app)
        found = [f for f in self._engine.store.functions() if f.app == app]
        if not found:
            return failed(404, f"App not found: {app}")
        return JSONResponse([function_view(f, app_id) for f in found])
