"""A call from the server: decode it, fetch missing state, and run the function."""

from __future__ import annotations

from dataclasses import replace

from inngest._internal.api.runs import fetch_events, fetch_steps
from inngest._internal.engine.deferrals import Deferrals
from inngest._internal.engine.execution import CallFacts, Execution
from inngest._internal.errors import Error, FunctionNotFoundError, QueryParamMissingError
from inngest._internal.flow import Flow, Host, Outcome, Raised
from inngest._internal.http.app import App
from inngest._internal.http.checkpoints import Checkpoints, NoCheckpoints, Recorder
from inngest._internal.http.comm import CommRequest
from inngest._internal.http.function_call import FunctionCall
from inngest._internal.http.timings import Timings
from inngest._internal.protocol import response
from inngest._internal.protocol.request import (
    NO_TARGET,
    CallRequest,
    decode_call,
    decode_events,
)
from inngest._internal.protocol.response import Answer


def call_function(request: CommRequest, app: App) -> Flow[Answer]:
    """Answer a call. Failures are answers, too."""
    fn_id = request.query.get("fnId")
    if not fn_id:
        return response.refused(QueryParamMissingError("the query parameter fnId is missing"))
    called = app.table.get(fn_id) or app.table.get(f"{app.facts.app_id}-{fn_id}")
    if called is None:
        return response.refused(FunctionNotFoundError("no served function has the id in fnId"))
    decoded = decode_call(request.body)
    if isinstance(decoded, Error):
        return response.refused(decoded)
    timings = Timings()
    complete: CallRequest | Error = decoded
    if decoded.use_api:
        complete = yield from _fetch_state(decoded, app)
        timings.end("use_api")
    if isinstance(complete, Error):
        return response.refused(complete)
    target = request.query.get("stepId") or NO_TARGET
    execution = Execution(
        facts=CallFacts(
            attempt=complete.attempt,
            max_attempts=complete.max_attempts,
            target=None if target == NO_TARGET else target,
            plan_only=complete.plan_only,
        ),
        memos=complete.steps,
        stack=complete.stack,
        deferrals=Deferrals(complete.defers),
    )
    checkpoints: Recorder = NoCheckpoints()
    if called.checkpointing is not None and complete.supports_checkpoints:
        checkpoints = Checkpoints(app, called.checkpointing, complete, execution.facts)
    call = FunctionCall(app, called, fn_id, request, complete, execution, checkpoints, timings)
    outcome: Outcome[Answer] = yield Host(call.answer(), called.is_async)
    execution.close()
    if isinstance(outcome, Raised):
        raise outcome.error
    answer = outcome.value
    answer.timings = timings.parts
    return answer


def _fetch_state(call: CallRequest, app: App) -> Flow[CallRequest | Error]:
    """Fetch the events and memos that were too large for the request."""
    steps = yield from fetch_steps(call.run_id, app.access)
    if isinstance(steps, Error):
        return steps
    raw_events = yield from fetch_events(call.run_id, app.access)
    if isinstance(raw_events, Error):
        return raw_events
    events = decode_events(raw_events)
    if isinstance(events, Error):
        return events
    return replace(call, steps=steps, events=events or call.events)
