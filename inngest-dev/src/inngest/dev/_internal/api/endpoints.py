"""The synchronous checkpoint API: begin a run, record its steps, wait for its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import failed, json_of, plain
from inngest.dev._internal.api.tokens import is_for_run, run_token, stream_token, token_key
from inngest.dev._internal.api.views import enveloped, failure
from inngest.dev._internal.endpoints.requests import is_steps
from inngest.dev._internal.model.ids import stable_uuid
from inngest.dev._internal.model.values import Json, Run
from inngest.dev._internal.running.endpoints import Refused

if TYPE_CHECKING:
    from inngest.dev._internal.running.engine import Engine

PATIENCE = 5 * 60.0
"""Seconds that a client waits for an output, before it has to poll again."""
_ANYONE = {"access-control-allow-origin": "*"}
"""A page that was sent here by a redirect may read the answer; the token lets it in."""
_POLICY = "content-security-policy"
_SANDBOX = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
"""What an app answers is not of the engine's origin, where it could act as the dashboard."""
_WITHOUT_BODY = (204, 304)
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)


class EndpointRoutes:
    def __init__(self, engine: Engine, *, patience: float = PATIENCE) -> None:
        self._engine, self._patience = engine, patience

    @property
    def _key(self) -> bytes:
        return token_key(self._engine.signing_key, self._engine.store.secret)

    @describes(
        body=forms.BegunRun, answers={200: forms.Envelope[forms.Begun]}, fails=[400, 409, 413]
    )
    async def begin(self, request: Request) -> Response:
        """Begin the run of a durable endpoint, with the steps that its app has done."""
        body = await json_of(request)
        begun = self._engine.endpoints.begin(body)
        if isinstance(begun, Refused):
            return failed(begun.status, begun.message)
        now = self._engine.clock.now()
        data: dict[str, Json] = {
            "fn_id": begun.function.uuid,
            "app_id": stable_uuid("app", begun.function.app),
            "run_id": begun.run.id,
            "realtime_token": stream_token(self._key, begun.run.id, now),
        }
        if begun.steps:
            data["token"] = run_token(self._key, begun.run.id, now)
        answer = enveloped(data, now)
        del answer["metadata"]["cached_until"]
        return JSONResponse(answer)

    @describes(body=forms.Steps, answers={200: None}, fails=[400, 413])
    async def record(self, request: Request) -> Response:
        """Record steps of such a run. Unusable ones are logged; the app gets no error."""
        body = await json_of(request)
        if not isinstance(body, dict) or not is_steps(steps := body.get("steps") or []):
            return failed(400, "Invalid request body")
        self._engine.endpoints.record(request.path_params["id"], steps)
        return Response(status_code=200, media_type="application/json")

    @describes(query={"token": str}, answers={200: Any, 401: str, "default": None})
    async def output(self, request: Request) -> Response:
        """The response of a run, as soon as there is one: any status, any body."""
        run_id, token = request.path_params["id"], request.query_params.get("token", "")
        now = self._engine.clock.now()
        if not is_for_run(self._key, token, run_id, now) or self._engine.store.run(run_id) is None:
            return plain(failure(401, "Unable to find run with auth token"), 401)
        run = await self._engine.ended(run_id, self._patience)
        if run is None:
            message = "the run has not ended yet: ask again"
            return JSONResponse({"status": "running", "message": message}, headers=_ANYONE)
        return _response(run)


def _response(run: Run) -> Response:
    """What the run's client would have got, had it not been sent away."""
    found = run.response
    if found is None:
        status = 200 if run.status == "Completed" else 500
        output = {"error": f"run {run.status}"} if run.output is None else run.output
        if isinstance(output, dict):  # where the app's code is, is none of its client's business
            output = {key: value for key, value in output.items() if key != "stack"}
        return JSONResponse(run.output if status == 200 else output, status, headers=_ANYONE)
    headers = {k: v for k, v in found["headers"].items() if k not in _OF_THE_CONNECTION}
    policies = filter(None, (headers.get(_POLICY), _SANDBOX))
    headers = {**_ANYONE, **headers, _POLICY: ", ".join(policies)}
    body = None if found["status"] in _WITHOUT_BODY else found["body"]
    return Response(body, found["status"], headers=headers)
