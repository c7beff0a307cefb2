"""The REST API of runs: look at them, cancel them, signal them, invoke functions."""

from __future__ import annotations

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import body_of, failed, json_of, limit_of
from inngest.dev._internal.api.views import enveloped, function_uuid, job_view, run_view
from inngest.dev._internal.machine.ops import RESULTS
from inngest.dev._internal.model.durations import iso
from inngest.dev._internal.model.ids import is_ulid
from inngest.dev._internal.model.strict import clean, decode, size_of
from inngest.dev._internal.model.values import Json, Run, RunStatus
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.views.export import exported

MAX_METADATA = 64 * 1024
MAX_STEP_INPUT = 4 * 1024 * 1024

METADATA_OPS = get_args(forms.MetadataOp)
_STATUSES = get_args(RunStatus)


class Rest:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # runs

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

    @describes(answers={200: forms.Envelope[forms.Run]}, fails=[400, 404])
    async def get_run(self, request: Request) -> Response:
        """One run."""
        run = self._run(request)
        if isinstance(run, Response):
            return run
        return self._enveloped(run_view(run, function_uuid(run, self._engine.store)))

    @describes(answers={200: forms.Envelope[list[forms.Job]]}, fails=[400, 404])
    async def jobs(self, request: Request) -> Response:
        """What is queued of a run."""
        run = self._run(request)
        if isinstance(run, Response):
            return run
        return self._enveloped([job_view(i) for i in self._engine.store.items_of(run.id)])

    @describes(answers={200: None}, fails=[400, 404])
    async def cancel(self, request: Request) -> Response:
        """Cancel a run. One that has ended stays as it is."""
        run = self._run(request)
        if isinstance(run, Response):
            return run
        self._engine.cancel(run.id)
        return JSONResponse(None)

    @describes(answers={204: None}, fails=[400, 404])
    async def cancel_legacy(self, request: Request) -> Response:
        """Cancel a run: the older form."""
        run = self._run(request)
        if isinstance(run, Response):
            return run
        self._engine.cancel(run.id)
        return Response(status_code=204)

    @describes(body=forms.Checkpoint, answers={200: None}, fails=[400, 409, 413])
    async def checkpoint(self, request: Request) -> Response:
        """Take steps of a call that goes on."""
        run_id = request.path_params["id"]
        try:
            body = decode(await body_of(request))
        except ValueError:
            return failed(400, "invalid request body: it is not JSON")
        rejected = self._engine.checkpoint(run_id, body)
        if rejected is None:
            return Response(status_code=200)
        answer: dict[str, Json] = {
            "error": rejected.message,
            "data": {"run_id": run_id} if rejected.names_run else None,
            "status": rejected.status,
        }
        return JSONResponse(answer, rejected.status)

    @describes(answers={200: forms.Envelope[forms.History]}, fails=[400, 404])
    async def history(self, request: Request) -> Response:
        """A run with its steps, its attempts, and what it waits for."""
        run = self._run(request)
        return run if isinstance(run, Response) else self._enveloped(self._engine.history(run.id))

    @describes(body=forms.Rerun, answers={200: forms.Started}, fails=[400, 404, 409, 413])
    async def rerun(self, request: Request) -> Response:
        """Start a run once more.

        From its beginning; or from the step with the id or the name `from_step`, whose code may
        be given other arguments: `input`, a list.
        """
        run = self._run(request)
        if isinstance(run, Response):
            return run
        raw = await body_of(request)
        try:
            fields = (decode(raw) if raw.strip() else None) or {}
        except ValueError as error:
            return failed(400, f"the body is not JSON: {error}")
        if not isinstance(fields, dict):
            return failed(400, "the body must be an object")
        step, arguments = fields.get("from_step"), fields.get("input")
        if step is not None:
            named = [s for s in run.stack if step in (s, run.steps[s].name)]
            if not named:
                return failed(400, "the run has no such step that was done")
            step = named[0]
        problem = _arguments_problem(run, step, arguments)
        if problem is not None:
            return problem
        again = self._engine.rerun(run.id, step, arguments)
        if again is None:
            return failed(409, f"function {run.function_id} is not registered any more")
        return JSONResponse({"run_id": again})

    @describes(answers={200: forms.Export}, fails=[400, 404])
    async def export(self, request: Request) -> Response:
        """A run's history, to be played against other code."""
        run = self._run(request)
        return run if isinstance(run, Response) else JSONResponse(exported(run))

    @describes(body=forms.Metadata, answers={200: None}, fails=[400, 404, 413])
    async def metadata(self, request: Request) -> Response:
        """Notes on a run, or on one of its steps. They are kept with the run's history."""
        body = await json_of(request)
        target = body.get("target") if isinstance(body, dict) else None
        entries = body.get("metadata") if isinstance(body, dict) else None
        if not isinstance(target, dict) or not isinstance(entries, list):
            return failed(400, "Invalid metadata target")
        if "step_id" not in target and set(target) - {"span_id"}:
            return failed(400, "Invalid metadata target")
        for entry in entries:
            problem = _metadata_problem(entry)
            if problem is not None:
                return problem
        run = self._run(request)
        if isinstance(run, Response):
            return run
        self._engine.note(run.id, target, entries)
        return JSONResponse(None)

    # state, for use_api

    @describes(answers={200: list[forms.Event]}, fails=[400, 410])
    async def batch(self, request: Request) -> Response:
        """The events of a run that goes on."""
        run = self._state(request)
        return (
            run if isinstance(run, Response) else JSONResponse([dict(e.body) for e in run.events])
        )

    @describes(answers={200: dict[str, Any]}, fails=[400, 410])
    async def actions(self, request: Request) -> Response:
        """The results of the steps of a run that goes on."""
        run = self._state(request)
        return run if isinstance(run, Response) else JSONResponse(run.memos)

    # signals, invocations, cancellations

    @describes(
        body=forms.Signal, answers={200: forms.Envelope[forms.Started]}, fails=[400, 404, 413, 500]
    )
    async def signal(self, request: Request) -> Response:
        """Give a signal to the run that waits for it."""
        body = await json_of(request)
        if not isinstance(body, dict) or not {"signal", "data"} & set(body):
            return failed(400, "Invalid signal data")
        name = body.get("signal")
        if not isinstance(name, str) or not name:
            return failed(500, "Failed to receive signal")
        run_id = self._engine.signal(clean(name), body.get("data"))
        if run_id is None:
            return failed(404, "No signal found")
        metadata = {"fetched_at": iso(self._engine.clock.now())}
        return JSONResponse({"data": {"run_id": run_id}, "metadata": metadata})

    @describes(body=forms.Invocation, answers={200: forms.Sent}, fails=[400, 413])
    async def invoke(self, request: Request) -> Response:
        """Start a function by its id. An unknown one is accepted, too, and starts nothing."""
        body = await json_of(request)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(data, dict | None):
            return failed(400, "the body must be an object, and its data too")
        event_id = self._engine.invoke(clean(request.path_params["id"]), body)
        return JSONResponse({"id": event_id, "status": 200})

    @describes(body=forms.Cancellation, answers={}, fails=[400, 413, 501])
    async def cancellations(self, request: Request) -> Response:
        """Bulk cancellation is Inngest Cloud's: it is checked and refused, as locally."""
        if request.method == "POST":
            body = await json_of(request)
            fields = body if isinstance(body, dict) else {}
            wanted = ("app_id", "function_id", "started_before")
            missing = [f"{name} is required" for name in wanted if not fields.get(name)]
            if missing:
                return failed(400, "\n".join(missing))
        return failed(
            501,
            "bulk cancellation exists in Inngest Cloud only; cancel runs one by one with "
            "DELETE /v1/runs/{id}, or by an event with the function's 'cancel' option",
        )

    def _state(self, request: Request) -> Run | Response:
        run_id = request.path_params["id"]
        if not is_ulid(run_id):
            return failed(400, "The run ID specified is invalid")
        run = self._engine.store.run(run_id)
        if run is None or run.ended:
            return failed(410, f"runtime state is no longer available for runID: {run_id}")
        return run

    def _run(self, request: Request) -> Run | Response:
        run_id = request.path_params["id"]
        if not is_ulid(run_id):
            return failed(400, f"Invalid run ID: {run_id}")
        run = self._engine.store.run(run_id)
        return failed(404, f"Unable to load function run: {run_id}") if run is None else run

    def _enveloped(self, data: Json) -> Response:
        return JSONResponse(enveloped(data, self._engine.clock.now()))


def _arguments_problem(run: Run, step: str | None, arguments: Json) -> Response | None:
    if arguments is None:
        return None
    if step is None or not isinstance(arguments, list):
        return failed(400, "input is a list of arguments for the step from_step")
    if run.steps[step].op not in RESULTS:
        return failed(400, f'"{run.steps[step].name}" takes no input: it runs no code of the app')
    if size_of(arguments) > MAX_STEP_INPUT:
        return failed(413, "the input of a step exceeds the limit of 4 MB")
    return None


def _metadata_problem(entry: Json) -> Response | None:
    if not isinstance(entry, dict) or entry.get("op") not in METADATA_OPS:
        return failed(400, "Invalid metadata target")
    kind, values = entry.get("kind"), entry.get("values")
    if not isinstance(kind, str) or not kind.startswith("userland."):
        return failed(400, "Invalid metadata")
    if not isinstance(values, dict):
        return failed(400, "Invalid metadata")
    if size_of(values) > MAX_METADATA:
        return failed(413, "Metadata span exceeds maximum size of 64KB")
    return None
