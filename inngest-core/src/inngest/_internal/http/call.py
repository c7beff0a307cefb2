"""A call of a function: decode it, replay the function, encode what came of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from inngest._internal.api.runs import fetch_events, fetch_steps
from inngest._internal.engine.execution import CallFacts, Execution, Lost, Stop
from inngest._internal.errors import (
    Error,
    FunctionNotFoundError,
    OutputUnserializableError,
    QueryParamMissingError,
    StepUnexpectedError,
)
from inngest._internal.flow import Flow, Outcome, Raised
from inngest._internal.http.app import App
from inngest._internal.http.comm import CommRequest
from inngest._internal.op import Op
from inngest._internal.protocol import headers as header
from inngest._internal.protocol import response
from inngest._internal.protocol.request import (
    NO_TARGET,
    CallRequest,
    decode_call,
    decode_events,
)
from inngest._internal.protocol.response import Answer
from inngest._internal.serialization import encode
from inngest._internal.step.flow import describe, is_quiet, is_retriable, retry_after
from inngest._internal.step.invocation import Invocation

logger = logging.getLogger("inngest")


def call_function(request: CommRequest, app: App) -> Flow[Answer]:
    """Answer one call. Every failure is an answer."""
    fn_id = request.query.get("fnId")
    if not fn_id:
        return response.refused(QueryParamMissingError("the query parameter fnId is missing"))
    called = app.table.get(fn_id)
    if called is None:
        return response.refused(FunctionNotFoundError("no served function has the id in fnId"))
    decoded = decode_call(request.body)
    if isinstance(decoded, Error):
        return response.refused(decoded)
    complete = yield from _complete(decoded, app)
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
    )
    outcome = yield Invocation(
        execution=execution,
        handler=called.handler,
        is_async=called.is_async,
        event=complete.event,
        events=complete.events,
        run_id=complete.run_id,
        job_id=request.headers.get(header.JOB_ID) or None,
        request_id=request.headers.get(header.REQUEST_ID) or None,
        logger=app.logger(),
        send=app.send,
        send_sync=app.send_sync,
    )
    return _answer(execution, outcome, fn_id)


def _complete(call: CallRequest, app: App) -> Flow[CallRequest | Error]:
    """Fetch the state that was too large to be sent along."""
    if not call.use_api:
        return call
    steps = yield from fetch_steps(
        call.run_id,
        api_origin=app.facts.api_origin,
        headers=app.headers(),
        keys=app.keys,
        timeout=app.timeout,
    )
    if isinstance(steps, Error):
        return steps
    raw_events = yield from fetch_events(
        call.run_id,
        api_origin=app.facts.api_origin,
        headers=app.headers(),
        keys=app.keys,
        timeout=app.timeout,
    )
    if isinstance(raw_events, Error):
        return raw_events
    events = decode_events(raw_events)
    if isinstance(events, Error):
        return events
    return replace(call, steps=steps, events=events or call.events)


def _answer(execution: Execution, outcome: Outcome[object], fn_id: str) -> Answer:
    match execution.outcome:
        case Stop(ops):
            _log_failures(ops, fn_id)
            return response.steps_reported(ops)
        case Lost(found):
            others = ", ".join(f'"{one.step.id}"' for one in found[:5])
            return response.refused(
                StepUnexpectedError(
                    "the step that the server asked for was not reached"
                    + (f"; found {others} instead" if others else "")
                )
            )
    if isinstance(outcome, Raised):
        return _failed(outcome.error, fn_id)
    if execution.facts.target is not None:
        return response.refused(
            StepUnexpectedError(
                "the function ended without reaching the step that the server asked for"
            )
        )
    encoded = encode(outcome.value, f'function "{fn_id}"')
    if isinstance(encoded, OutputUnserializableError):
        return _failed(encoded, fn_id)
    return response.function_returned(encoded)


def _log_failures(ops: Sequence[Op], fn_id: str) -> None:
    for op in ops:
        if op.error is not None and not op.is_quiet:
            told = op.error.stack or f"{op.error.name}: {op.error.message}"
            logger.error('step "%s" of function "%s" failed\n%s', op.step.id, fn_id, told)


def _failed(error: Exception, fn_id: str) -> Answer:
    if not is_quiet(error):
        logger.error('function "%s" failed', fn_id, exc_info=error)
    return response.function_failed(
        describe(error), is_retriable=is_retriable(error), retry_after=retry_after(error)
    )
