"""A request to a durable endpoint, from its bytes to the response. As a flow.

A client's request starts a run: each step is recorded when it ends, and the client receives the
handler's response. At a step that only the server can carry out, or that must be retried, the
client is redirected to the URL of the future output. The server then repeats the request, and
each repetition is answered with steps, like a function call.

Limits: the server sends neither the order in which parallel steps completed, nor, in all its
versions, the number of the attempt.
"""

from __future__ import annotations

import copy
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from inngest._internal.api.endpoint_runs import BegunRun
from inngest._internal.api.runs import fetch_events, fetch_steps
from inngest._internal.engine.deferrals import Deferrals
from inngest._internal.engine.execution import CallFacts, Execution
from inngest._internal.engine.journal import hash_id
from inngest._internal.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    Error,
)
from inngest._internal.event import Event
from inngest._internal.flow import Call, Flow, Host, Outcome, Raised
from inngest._internal.hosts import is_host
from inngest._internal.http.app import App, Called
from inngest._internal.http.checkpoints import NoCheckpoints
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.durable_messages import (
    JSON_TYPE,
    WITHOUT_BODY,
    comm_response,
    event_of,
    is_stored,
    stored,
)
from inngest._internal.http.function_call import FunctionCall
from inngest._internal.http.recording import Recording
from inngest._internal.http.timings import Timings
from inngest._internal.op import Opcode
from inngest._internal.protocol import headers, response
from inngest._internal.protocol.request import MAX_BODY_BYTES, CallRequest, decode_events
from inngest._internal.protocol.response import Answer
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest._internal.protocol.ulid import ENTROPY_BYTES, ulid
from inngest._internal.serialization.codec import PLAIN
from inngest._internal.types import ServerKind

RETRIES: Final = 4
_COMPLETE: Final = "complete"

logger = logging.getLogger("inngest")

Admit = Callable[[CommRequest], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableOptions:
    """The options of an endpoint; see ``inngest.experimental.durable.asgi``."""

    fn_id: str | None = None
    origin: str | None = None
    retries: int = RETRIES
    redirect: bool = True
    admit: Admit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What only the transport knows about a request."""

    query_string: str
    ip: str


class DurableEndpoint:
    """Handles the requests of clients, and their repetitions by the server."""

    def __init__(
        self, app: App, called: Called, options: DurableOptions, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._called = called
        self._options = options
        self._clock = clock
        self._access = app.access

    def handle(self, request: CommRequest, origin: Origin) -> Flow[CommResponse]:
        """Handle a request. Never raises an ``Exception``."""
        try:
            if len(request.body) > MAX_BODY_BYTES:
                error = BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
                return _json_response(error.answer_status, {"error": error.message})
            if headers.RUN_ID in request.headers:
                return (yield from self._continue(request))
            if _is_ambiguous(request):
                return _json_response(
                    400, {"error": "the host or the path of the request is malformed"}
                )
            return (yield from self._begin(request, origin))
        except Exception as error:
            logger.error("a durable endpoint failed inside the library", exc_info=error)
            return _internal_error()

    # Requests of clients.

    def _begin(self, request: CommRequest, origin: Origin) -> Flow[CommResponse]:
        if self._options.admit is not None:
            outcome: Outcome[object] = yield Call(self._options.admit, (request,))
            if isinstance(outcome, Raised):
                logger.error("admit of a durable endpoint failed", exc_info=outcome.error)
                return _internal_error()
            if outcome.value is not None:
                return comm_response(stored(outcome.value, PLAIN, "the result of admit"))
        now = self._milliseconds()
        run_id = ulid(now, secrets.token_bytes(ENTROPY_BYTES))
        event = event_of(
            request,
            domain=self._options.origin or _origin_of(request.url),
            query_string=origin.query_string,
            fn=self._options.fn_id or "",
            ip=origin.ip,
            run_id=run_id,
            now=now,
        )
        facts = CallFacts(attempt=0, max_attempts=self._options.retries + 1)
        recording = Recording(self._access, facts, event, self._options.retries, self._milliseconds)
        started = time.perf_counter_ns()
        answer, returned = yield from self._call(request, event, facts, {}, recording)
        if recording.failure is not None:
            return _json_response(
                503, {"error": "the steps of this request cannot be recorded now"}
            )
        answer, deferred = _split_result(answer)
        if answer.status == 206:
            failure = yield from recording.tell(answer.body)
            if failure is not None:
                return _json_response(503, {"error": "this request cannot be continued now"})
            return self._redirect(recording.run)
        result = _result(answer, returned)
        duration = time.perf_counter_ns() - started
        complete = _complete("RunComplete", {**result, "duration": duration})
        failure = yield from recording.tell(response.dump([*deferred, complete]))
        if failure is not None:
            logger.warning("the end of run %s is not recorded: %s", run_id, failure.message)
        if answer.status != 200:
            return _internal_error()
        # Middleware may hide the result from the server, such as by encryption, but not the client.
        return comm_response(
            returned if is_stored(returned) and not is_stored(json.loads(answer.body)) else result
        )

    def _redirect(self, run: BegunRun | None) -> CommResponse:
        """Send the client to the future output of a run that continues in the background."""
        if run is None or run.token is None:
            logger.error("the server returned no token for a run that continues in the background")
            return _internal_error()
        receipt = {"run_id": run.run_id, "token": run.token}
        if not self._options.redirect:
            return _json_response(202, receipt)
        path = f"/v1/checkpoint/{run.run_id}/output?token={quote(run.token, safe='')}"
        answer = _json_response(302, receipt)
        location = {"location": self._access.url(path), "cache-control": "no-store"}
        return CommResponse(
            status=answer.status, body=answer.body, headers={**answer.headers, **location}
        )

    # Repetitions by the server.

    def _continue(self, request: CommRequest) -> Flow[CommResponse]:
        verified = self._verify(request)
        if isinstance(verified, Error):
            return self._signed(response.refused(verified), None)
        run_id = request.headers[headers.RUN_ID]
        answer = yield from self._next_steps(request, run_id)
        return self._signed(answer, verified)

    def _next_steps(self, request: CommRequest, run_id: str) -> Flow[Answer]:
        steps = yield from fetch_steps(run_id, self._access)
        raw = yield from fetch_events(run_id, self._access)
        for each in (steps, raw):
            if isinstance(each, Error):
                return response.refused(each)
        events = decode_events(raw)
        if isinstance(events, Error) or not events or isinstance(steps, Error):
            return response.refused(BodyInvalidError("the run has no event that can be read"))
        facts = CallFacts(
            attempt=max(_number(request.headers.get(headers.GENERATION_ID)) - 1, 0),
            target=request.headers.get(headers.STEP_ID) or None,
            plan_only=request.headers.get(headers.FORCE_STEP_PLAN, "").lower() == "true",
        )
        answer, returned = yield from self._call(request, events[0], facts, steps, None)
        answer, deferred = _split_result(answer)
        if answer.status != 200:
            return answer
        complete = _complete(
            "SyncRunComplete", {"data": {**_result(answer, returned), "duration": 0}}
        )
        return Answer(status=206, body=response.dump([*deferred, complete]))

    def _verify(self, request: CommRequest) -> SigningKey | Error | None:
        keys = self._app.keys
        header = request.headers.get(headers.SIGNATURE) or None
        if self._app.facts.mode is not ServerKind.CLOUD and (header is None or not keys):
            return None
        return verify(keys, header=header, body=request.body, now=self._clock())

    def _signed(self, answer: Answer, signer: SigningKey | None) -> CommResponse:
        written = {headers.SDK_HANDLED: "true", **self._app.headers, **answer.headers}
        if signer is not None:
            written[headers.SIGNATURE] = sign(signer, answer.body, self._clock())
        return CommResponse(status=answer.status, body=answer.body, headers=written)

    # Both.

    def _call(
        self,
        request: CommRequest,
        event: Event[Any],
        facts: CallFacts,
        memos: Mapping[str, object],
        recording: Recording | None,
    ) -> Flow[tuple[Answer, object]]:
        """Call the handler; return the answer, and the response before middleware changed it."""
        call_request = CallRequest(
            run_id=recording.run_id if recording else request.headers[headers.RUN_ID],
            attempt=facts.attempt,
            max_attempts=facts.max_attempts,
            plan_only=facts.plan_only,
            stack=(),
            event=event,
            events=[copy.deepcopy(event)],
            steps=memos,
            use_api=False,
        )
        # The server does not send the earlier deferred calls with a repetition.
        deferrals = Deferrals({} if recording else None)
        execution = Execution(facts=facts, memos=memos, deferrals=deferrals)
        checkpoints = recording or NoCheckpoints()
        called = self._called
        call = FunctionCall(
            self._app,
            called,
            called.function.id,
            request,
            call_request,
            execution,
            checkpoints,
            Timings(),
        )
        call.is_called_once = recording is not None
        outcome: Outcome[Answer] = yield Host(call.answer(), called.is_async)
        execution.close()
        if isinstance(outcome, Raised):
            raise outcome.error
        return outcome.value, call.returned

    def _milliseconds(self) -> int:
        return int(self._clock() * 1000)


def _complete(opcode: str, data: object) -> dict[str, object]:
    return {"id": hash_id(_COMPLETE), "op": opcode, "data": data}


def _split_result(answer: Answer) -> tuple[Answer, list[object]]:
    """Separate a result from the deferred calls reported with it. Other answers are unchanged."""
    if answer.status == 206:
        *deferred, last = json.loads(answer.body)
        if last["op"] == Opcode.RUN_COMPLETE.value:
            return response.function_returned(json.dumps(last["data"])), deferred
    return answer, []


def _result(answer: Answer, returned: object) -> dict[str, object]:
    """Return the response to store: that of the handler, or a 500 if it failed.

    If middleware has replaced the response, the replacement becomes the body.
    """
    body = answer.body.decode("utf-8", "replace")
    as_json = {headers.CONTENT_TYPE: JSON_TYPE}
    if answer.status != 200:
        return {"status": 500, "headers": as_json, "body": body}
    result = json.loads(body)
    if is_stored(result):
        return result
    if not is_stored(returned):
        return {"status": 200, "headers": as_json, "body": body}
    if returned["status"] in WITHOUT_BODY:
        return returned
    return {**returned, "headers": {**returned["headers"], **as_json}, "body": body}


def _json_response(status: int, body: object) -> CommResponse:
    return CommResponse(
        status=status, body=response.dump(body), headers={headers.CONTENT_TYPE: JSON_TYPE}
    )


def _internal_error() -> CommResponse:
    """A response without details, which are in the log and in the run."""
    return _json_response(500, {"error": "Internal Server Error"})


def _is_ambiguous(request: CommRequest) -> bool:
    """Return whether a repetition, which the server signs, might reach other code of the app.

    Some HTTP clients and proxies normalize ``/checkout/../api/inngest`` to ``/api/inngest``.
    """
    if not is_host(request.headers.get("host", "")):
        return True
    return not {".", ".."}.isdisjoint(urlsplit(request.url).path.split("/"))


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


__all__ = ["RETRIES", "DurableEndpoint", "DurableOptions", "Origin"]
