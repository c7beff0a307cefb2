"""A request to a durable endpoint, from its bytes to a response. A flow from end to end.

A client's request begins a run: each step is recorded when it is done, and the client gets
the handler's response. At a step that only the server can carry out, or try again, the
client is sent to where the output will be; the server then repeats the request, and each
repetition is answered with steps like any call of a function.

Limits: the server says neither in which order parallel steps ended nor, in all versions,
which attempt a repetition is.
"""

from __future__ import annotations

import copy
import json
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from inngest._internal.api.access import Access
from inngest._internal.api.endpoint_runs import BegunRun, begin_run, record_endpoint_steps
from inngest._internal.api.runs import fetch_events, fetch_steps
from inngest._internal.engine.execution import CallFacts, Execution
from inngest._internal.engine.journal import hash_id
from inngest._internal.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    CheckpointFailedError,
    Error,
)
from inngest._internal.event import Event
from inngest._internal.flow import Call, Flow, Host, Outcome, Raised
from inngest._internal.http.app import App, Called
from inngest._internal.http.checkpoints import Checkpoints
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.durable_messages import JSON_TYPE, event_of, sent, stored
from inngest._internal.http.function_call import FunctionCall
from inngest._internal.http.timings import Timings
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, Opcode
from inngest._internal.protocol import headers, response
from inngest._internal.protocol.request import MAX_BODY_BYTES, CallRequest, decode_events
from inngest._internal.protocol.response import Answer, encode_ops
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest._internal.protocol.ulid import ENTROPY_BYTES, ulid
from inngest._internal.serialization.codec import PLAIN
from inngest._internal.step.transform import transform_op
from inngest._internal.types import ServerKind

RETRIES: Final = 4
_COMPLETE: Final = "complete"

logger = logging.getLogger("inngest")

Admit = Callable[[CommRequest], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableOptions:
    """How an endpoint presents its runs to clients and to the server."""

    fn_id: str | None = None
    origin: str | None = None
    retries: int = RETRIES
    redirect: bool = True
    admit: Admit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a request's transport knows, besides the request."""

    query_string: str
    ip: str


class DurableEndpoint:
    """Answers the requests of clients, and their repetitions by the server."""

    def __init__(
        self, app: App, called: Called, options: DurableOptions, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._called = called
        self._options = options
        self._clock = clock
        self._access = Access(
            api_origin=app.facts.api_origin,
            headers=app.headers,
            keys=app.keys,
            timeout=app.timeout,
        )

    def handle(self, request: CommRequest, origin: Origin) -> Flow[CommResponse]:
        """Answer a request. Never raises an ``Exception``."""
        try:
            if len(request.body) > MAX_BODY_BYTES:
                error = BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
                return _told(error.status, {"error": error.message})
            if headers.RUN_ID in request.headers:
                return (yield from self._continue(request))
            return (yield from self._begin(request, origin))
        except Exception as error:
            logger.error("a durable endpoint failed inside the library", exc_info=error)
            return _unanswered()

    # a client's request

    def _begin(self, request: CommRequest, origin: Origin) -> Flow[CommResponse]:
        if self._options.admit is not None:
            outcome: Outcome[object] = yield Call(self._options.admit, (request,))
            if isinstance(outcome, Raised):
                logger.error("admit of a durable endpoint failed", exc_info=outcome.error)
                return _unanswered()
            if outcome.value is not None:
                return sent(stored(outcome.value, PLAIN, "what admit answered"))
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
        answer = yield from self._call(request, event, facts, {}, recording)
        if recording.failure is not None:
            return _told(503, {"error": "the steps of this request cannot be recorded now"})
        if answer.status == 206:
            failure = yield from recording.tell(answer.body)
            if failure is not None:
                return _told(503, {"error": "this request cannot be continued now"})
            return self._sent_away(recording.run)
        result = _result(answer)
        duration = time.perf_counter_ns() - started
        failure = yield from recording.tell(
            _complete("RunComplete", {**result, "duration": duration})
        )
        if failure is not None:
            logger.warning("the end of run %s is not recorded: %s", run_id, failure.message)
        return sent(result) if answer.status == 200 else _unanswered()

    def _sent_away(self, run: BegunRun | None) -> CommResponse:
        """The run goes on without its client: tell where its output will be."""
        if run is None or run.token is None:
            logger.error("the server gave no token for a run that it has taken over")
            return _unanswered()
        told = {"run_id": run.run_id, "token": run.token}
        if not self._options.redirect:
            return _told(202, told)
        path = f"/v1/checkpoint/{run.run_id}/output?token={quote(run.token, safe='')}"
        answer = _told(302, told)
        location = {"location": self._access.url(path), "cache-control": "no-store"}
        return CommResponse(
            status=answer.status, body=answer.body, headers={**answer.headers, **location}
        )

    # its repetition

    def _continue(self, request: CommRequest) -> Flow[CommResponse]:
        verified = self._verify(request)
        if isinstance(verified, Error):
            return self._signed(response.refused(verified), None)
        run_id = request.headers[headers.RUN_ID]
        answer = yield from self._next_steps(request, run_id)
        return self._signed(answer, verified)

    def _next_steps(self, request: CommRequest, run_id: str) -> Flow[Answer]:
        access = self._access
        where: dict[str, Any] = {
            "api_origin": access.api_origin,
            "headers": access.headers,
            "keys": access.keys,
            "timeout": access.timeout,
        }
        steps = yield from fetch_steps(run_id, **where)
        raw = yield from fetch_events(run_id, **where)
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
        answer = yield from self._call(request, events[0], facts, steps, None)
        if answer.status != 200:
            return answer
        body = _complete("SyncRunComplete", {"data": {**_result(answer), "duration": 0}})
        return Answer(status=206, body=body)

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

    # both

    def _call(
        self,
        request: CommRequest,
        event: Event[Any],
        facts: CallFacts,
        memos: Mapping[str, object],
        recording: Recording | None,
    ) -> Flow[Answer]:
        taken = CallRequest(
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
        execution = Execution(facts=facts, memos=memos)
        checkpoints = recording or Checkpoints(self._app, None, taken, facts)
        called = self._called
        call = FunctionCall(
            self._app, called, called.function.id, request, taken, execution, checkpoints, Timings()
        )
        outcome: Outcome[Answer] = yield Host(call.answer(), called.is_async)
        if isinstance(outcome, Raised):
            raise outcome.error
        return outcome.value

    def _milliseconds(self) -> int:
        return int(self._clock() * 1000)


class Recording:
    """Tells the server each step of a client's request, before code goes on that depends on it."""

    def __init__(
        self,
        access: Access,
        facts: CallFacts,
        event: Event[Any],
        retries: int,
        milliseconds: Callable[[], int],
    ) -> None:
        self._access = access
        self._facts = facts
        self._event = event
        self._retries = retries
        self._milliseconds = milliseconds
        self.run: BegunRun | None = None
        self.failure: CheckpointFailedError | None = None

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._event.id

    @property
    def is_on(self) -> bool:
        """Whether the next step may be recorded, for code to go on."""
        return True

    def keep(self, op: Op, hooks: Stack) -> Flow[Op | Error | None]:
        """Record a step that is done, or return it: the server is to go on from it."""
        transformed = yield from transform_op(hooks, op, self._facts)
        if isinstance(transformed, Error):
            return transformed
        if transformed.opcode is Opcode.STEP_ERROR or (transformed.error and not op.error):
            return transformed
        return (yield from self.tell(encode_ops([transformed])))

    def settle(self) -> Flow[list[Op]]:
        """Nothing is left behind."""
        yield from ()
        return []

    def tell(self, steps: bytes) -> Flow[CheckpointFailedError | None]:
        """Tell the server of steps; of the run, too, if these are its first."""
        if self.run is not None:
            self.failure = yield from record_endpoint_steps(
                self._access, self.run, steps, now_ms=self._milliseconds(), jitter=_jitter
            )
            return self.failure
        facts = {
            "run_id": self.run_id,
            "event": self._event.to_wire(self._milliseconds()),
            "request_version": int(headers.EXECUTION_VERSION),
            "retries": self._retries,
        }
        begun = yield from begin_run(self._access, facts, steps, jitter=_jitter)
        if isinstance(begun, CheckpointFailedError):
            self.failure = begun
        else:
            self.run = begun
        return self.failure


def _jitter() -> float:
    return random.uniform(0, 0.1)


def _complete(opcode: str, data: object) -> bytes:
    return response.dump([{"id": hash_id(_COMPLETE), "op": opcode, "data": data}])


def _result(answer: Answer) -> dict[str, object]:
    """The response that a call ended with; of one that failed, what the server keeps of it."""
    if answer.status == 200:
        kept: dict[str, object] = json.loads(answer.body)
        return kept
    body = answer.body.decode("utf-8", "replace")
    return {"status": 500, "headers": {headers.CONTENT_TYPE: JSON_TYPE}, "body": body}


def _told(status: int, body: object) -> CommResponse:
    return CommResponse(
        status=status, body=response.dump(body), headers={headers.CONTENT_TYPE: JSON_TYPE}
    )


def _unanswered() -> CommResponse:
    """The client learns no more than that; the log and the run say the rest."""
    return _told(500, {"error": "Internal Server Error"})


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


__all__ = ["DurableEndpoint", "DurableOptions", "Origin"]
