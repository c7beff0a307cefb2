"""Report failures to Sentry, and trace functions and steps.

Requires ``sentry-sdk`` (``pip install "inngest-core[sentry]"``) and the app's own call of
``sentry_sdk.init``. A failure that will be retried is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from inngest._internal.errors import StepError
from inngest._internal.http.function_call import STEP_FAILED
from inngest._internal.middleware.contract import MiddlewareSync
from inngest._internal.middleware.records import (
    StepInfo,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
)
from inngest._internal.step.failure import is_retriable

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest

FLUSH_SECONDS = 2.0
"""How long a response may be delayed to flush a report. Calls without a report do not wait."""

_TRACEBACK = "Traceback (most recent call last)"


class SentryMiddleware(MiddlewareSync):
    """Reports final failures, and traces calls: a span for each call and each step execution.

    A step that fails in its last attempt is reported with the traceback of its handler, and not
    again when the function fails because of it. Log records about the same failures are not
    sent as events of their own. Events are tagged with the ids of app, function, run and step.
    """

    def __init__(self, client: Inngest, raw_request: object) -> None:
        super().__init__(client, raw_request)
        self._sentry = _sentry()
        self.blocks: bool = False
        self._failed_steps: set[str] = set()
        self._raised: set[int] = set()  # ids, as the tracebacks refer to self: no reference cycle

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        """Trace the call, in its own isolation scope."""
        with self._sentry.isolation_scope() as scope:
            scope.set_tag("inngest.app.id", self.client.app_id)
            scope.set_tag("inngest.function.id", request.function.local_id)
            scope.set_tag("inngest.function.name", request.function.name)
            scope.set_tag("inngest.run.id", request.run_id)
            scope.add_event_processor(self._drop_failure_logs)
            is_traced = self._sentry.get_current_span() is not None
            start = self._sentry.start_span if is_traced else self._sentry.start_transaction
            with start(op="inngest.function", name=request.function.id) as span:
                yield
                if request.status is not None:
                    span.set_http_status(request.status)

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Report an error of the function that will not be retried."""
        ctx, scope = call.ctx, self._sentry.get_isolation_scope()
        scope.set_context("inngest", {"attempt": ctx.attempt, "event": ctx.event.name})
        scope.set_tag("inngest.event.count", len(ctx.events))
        scope.set_tag("inngest.event.id", ctx.event.id)
        scope.set_tag("inngest.event.name", ctx.event.name)
        try:
            yield
        except Exception as error:
            self._raised.add(id(error))
            is_final = call.is_final_attempt or not is_retriable(error)
            if is_final and not _is_reported(error):
                self._report(error)
            raise

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Trace one execution of a step."""
        with self._sentry.start_span(op="inngest.step", name=step.info.id) as span:
            span.set_data("inngest.attempt", step.info.attempt)
            yield

    def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Report an error of a step that will not be retried."""
        self._failed_steps.add(step.id)
        if step.is_final_attempt:
            self._report(error, step.id)

    def before_response(self) -> None:
        """Flush a report, as a serverless process may be frozen after it has responded."""
        if self.blocks:
            self._sentry.flush(FLUSH_SECONDS)

    def _report(self, error: Exception, step_id: str | None = None) -> None:
        self.blocks = True  # before_response() will flush
        with self._sentry.new_scope() as scope:
            if step_id is not None:
                scope.set_tag("inngest.step.id", step_id)
            self._sentry.capture_exception(error)

    def _drop_failure_logs(self, event: Any, hint: Mapping[str, Any]) -> Any:
        record = hint.get("log_record")
        if record is None:
            return event
        is_of_step = record.msg == STEP_FAILED and record.args[0] in self._failed_steps
        is_of_function = record.exc_info and id(record.exc_info[1]) in self._raised
        return None if is_of_step or is_of_function else event


def _is_reported(error: Exception) -> bool:
    """Return whether the error is of a step that failed in Python code, which reported it."""
    return isinstance(error, StepError) and _TRACEBACK in (error.stack or "")


def _sentry() -> Any:
    try:
        import sentry_sdk
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'SentryMiddleware needs sentry-sdk: pip install "inngest-core[sentry]"',
            name=error.name,
        ) from error
    return sentry_sdk


__all__ = ["FLUSH_SECONDS", "SentryMiddleware"]
