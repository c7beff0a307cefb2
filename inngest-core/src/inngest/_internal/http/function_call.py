"""One call of a function within its middleware, and the resulting answer.

From the outside in: ``wrap_request``, ``transform_input``, ``wrap_function``,
``before_execution``, the function's code; then ``after_execution``, ``transform_output`` and
``before_response``.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from inngest._internal.engine.execution import (
    Broken,
    Execution,
    Lost,
    Stop,
    call_again,
    completed,
)
from inngest._internal.errors import (
    Error,
    EventInvalidError,
    MiddlewareError,
    OutputUnserializableError,
    StaleDispatchError,
    StepUnexpectedError,
)
from inngest._internal.flow import Flow, Outcome, Raised, Returned
from inngest._internal.http.app import App, Called
from inngest._internal.http.checkpoints import Recorder
from inngest._internal.http.comm import CommRequest
from inngest._internal.http.timings import Timings
from inngest._internal.middleware.memos import StepMemos
from inngest._internal.middleware.records import (
    TransformOutputResult,
    WrappedFunction,
    WrappedRequest,
)
from inngest._internal.middleware.stack import EMPTY, Stack
from inngest._internal.op import Op
from inngest._internal.protocol import headers as header
from inngest._internal.protocol import response
from inngest._internal.protocol.request import CallRequest
from inngest._internal.protocol.response import Answer
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.text import encode
from inngest._internal.step.failure import describe, is_quiet, is_retriable, retry_after
from inngest._internal.step.flow import begin
from inngest._internal.step.invocation import Invocation, Invoke, Prepare, Run
from inngest._internal.step.replay_logger import ReplayLogger
from inngest._internal.step.transform import transform_op
from inngest._internal.types import UNSET

logger = logging.getLogger("inngest")

STEP_FAILED: Final = 'step "%s" of function "%s" failed\n%s'
"""The log message of a failed step: its id, the function's id, and the traceback."""


@dataclass(slots=True)
class FunctionCall:
    """One call, from the decoded request to the answer."""

    app: App
    called: Called
    fn_id: str
    request: CommRequest
    call_request: CallRequest
    execution: Execution
    checkpoints: Recorder
    timings: Timings
    hooks: Stack = EMPTY
    is_called_once: bool = False
    """Whether the function itself, unlike its steps, is never retried."""
    has_completed: bool = False
    """Whether the answer contains the function's result, possibly along with operations."""
    returned: object = UNSET
    """The function's return value, before a serializer or a hook has changed it."""

    def answer(self) -> Flow[Answer]:
        """Run the whole call. Failures are answers, too."""
        factories = (*self.app.middleware(), *self.called.function.middleware)
        return self._within(factories) if factories else self._call()

    def _within(self, factories: Sequence[Callable[..., object]]) -> Flow[Answer]:
        hooks = yield from Stack.build(factories, self.app.client, self.request.raw)
        if isinstance(hooks, MiddlewareError):
            return self._failed(hooks)
        self.hooks = hooks
        record = WrappedRequest(
            function=self.called.function,
            run_id=self.call_request.run_id,
            raw_request=self.request.raw,
            headers=self.request.headers,
        )
        outcome = yield from hooks.wrap("wrap_request", record, self._respond(record))
        if isinstance(outcome, Raised):
            return self._failed(outcome.error)
        if outcome.value is None:
            return self._failed(MiddlewareError("a wrap_request hook swallowed an error"))
        return outcome.value

    def _respond(self, record: WrappedRequest) -> Flow[Outcome[Answer]]:
        answer = yield from self._call()
        failure = yield from self.hooks.after("before_response")
        if failure is not None:
            answer = self._failed(failure)
        record.status, record.body = answer.status, answer.body
        record.ends_run = self._ends_run(answer)
        return Returned(answer)

    def _ends_run(self, answer: Answer) -> bool:
        if answer.status < 300:
            return answer.status == response.RETURNED or self.has_completed
        return self._is_last_attempt or header.NO_RETRY in answer.headers

    @property
    def _is_last_attempt(self) -> bool:
        return self.is_called_once or self.execution.facts.is_last_attempt

    def _call(self) -> Flow[Answer]:
        invocation = self._invocation()
        run: Run = yield Prepare(invocation)
        ctx: Any = run.context
        failure = yield from self._transform_input(ctx)
        self.timings.end("mw.transform_input")
        if failure is not None:
            return self._failed(failure)
        record = WrappedFunction(
            function=self.called.function,
            ctx=ctx,
            is_final_attempt=self._is_last_attempt,
        )
        outcome = yield from self.hooks.wrap(
            "wrap_function", record, self._run(invocation, run, record)
        )
        self.timings.end("function")
        answer = yield from self._settle(outcome, record)
        self.timings.end("mw.transform_output")
        return answer

    def _invocation(self) -> Invocation:
        app, call, request_headers = self.app, self.call_request, self.request.headers
        return Invocation(
            self.execution,
            self.hooks,
            app.serializer,
            app.find_serializer,
            self.checkpoints,
            self.called.handler,
            app.facts.app_id,
            call.event,
            call.events,
            call.run_id,
            request_headers.get(header.JOB_ID) or None,
            request_headers.get(header.REQUEST_ID) or None,
            ReplayLogger(app.logger(), self.execution),
            app.client,
        )

    def _transform_input(self, ctx: Any) -> Flow[Error | None]:
        if self.hooks.implements("transform_input"):
            memos = StepMemos.from_raw(self.execution.memos)
            failure = yield from self.hooks.before(
                "transform_input", ctx, self.called.function, memos
            )
            if failure is not None:
                return failure
            self.execution.replace_memos(memos.to_raw())
        if not self.called.has_typed_events:
            return None
        read = self.called.function.read_events([ctx.event, *ctx.events])
        if isinstance(read, EventInvalidError):
            return read
        ctx.event, ctx.events = read[0], read[1:]
        return None

    def _run(
        self, invocation: Invocation, run: Run, record: WrappedFunction
    ) -> Flow[Outcome[None]]:
        failure: Exception | None = yield from begin(invocation)
        if failure is not None:
            return Raised(failure)
        outcome: Outcome[object] = yield Invoke(run, record.ctx)
        if self.execution.outcome is None:
            if isinstance(outcome, Raised):
                return outcome
            self.returned = outcome.value
            stored = self._codec.dump_result(outcome.value, self.called.what)
            if isinstance(stored, OutputUnserializableError):
                return Raised(stored)
            record.output = stored
        elif isinstance(self.execution.outcome, Broken):
            return Raised(self.execution.outcome.error)
        failure = yield from self.hooks.after("after_execution")
        return Returned(None) if failure is None else Raised(failure)

    def _settle(self, outcome: Outcome[None], record: WrappedFunction) -> Flow[Answer]:
        unsent = yield from self.checkpoints.settle()
        if isinstance(unsent, StaleDispatchError):
            return self._failed(unsent)
        if unsent and not isinstance(self.execution.outcome, Stop):
            return response.steps_reported(unsent)  # the next call will end the same way
        if isinstance(outcome, Raised) and isinstance(outcome.error, MiddlewareError):
            return self._failed(outcome.error)
        match self.execution.outcome:
            case Stop(ops) if not unsent and not ops:
                # The call was suspended, and its steps are recorded. After an empty list the
                # server would wait for steps that are pending, such as the losers of a race.
                return response.steps_reported([call_again(secrets.token_hex(20))])
            case Stop(ops):
                return (yield from self._report(unsent, ops))
            case Lost(found):
                others = ", ".join(f'"{one.step.id}"' for one in found[:5])
                return response.refused(
                    StepUnexpectedError(
                        "the step that the server asked for was not reached"
                        + (f"; found {others} instead" if others else "")
                    )
                )
            case Broken(error):
                return self._failed(error)
        if isinstance(outcome, Returned) and self.execution.facts.target is not None:
            return response.refused(
                StepUnexpectedError(
                    "the function ended without reaching the step that the server asked for"
                )
            )
        return (yield from self._end(outcome, record))

    def _end(self, outcome: Outcome[None], record: WrappedFunction) -> Flow[Answer]:
        """Answer with the function's result or error."""
        if isinstance(outcome, Raised):
            result = TransformOutputResult(error=outcome.error)
        else:
            result = TransformOutputResult(output=None if record.output is UNSET else record.output)
        failure = yield from self.hooks.after("transform_output", result)
        error = result.error if failure is None else failure
        if error is not None:
            return self._failed(error)
        encoded = encode(result.output, self.called.what)
        if isinstance(encoded, OutputUnserializableError):
            return self._failed(encoded)
        deferred = self.execution.deferrals.unreported
        if not deferred:
            return response.function_returned(encoded)
        self.has_completed = True
        return (yield from self._report((), deferred, completed(encoded)))

    def _report(self, unsent: Sequence[Op], ops: Sequence[Op], *ended: Op) -> Flow[Answer]:
        """Answer with operations, of which ``unsent`` and ``ended`` are already transformed."""
        reported = list(unsent)
        for op in ops:
            changed = yield from transform_op(self.hooks, op, self.execution.facts)
            if isinstance(changed, Error):
                # Report finished steps first: the next call will fail at the same hook.
                return response.steps_reported(unsent) if unsent else self._failed(changed)
            reported.append(changed)
        reported += ended
        for op in reported:
            if op.error is not None and not op.is_quiet:
                reason = op.error.stack or f"{op.error.name}: {op.error.message}"
                logger.error(STEP_FAILED, op.step.id, self.fn_id, reason)
        return response.steps_reported(reported)

    def _failed(self, error: Exception) -> Answer:
        if not is_quiet(error):
            logger.error('function "%s" failed', self.fn_id, exc_info=error)
        return response.function_failed(
            describe(error), is_retriable=is_retriable(error), retry_after=retry_after(error)
        )

    @property
    def _codec(self) -> Codec:
        codec = self.called.codec
        if codec.serializer is None and self.app.serializer is not None:
            return codec.using(self.app.serializer)
        return codec
