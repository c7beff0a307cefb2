"""One call from the server, as it is traced.

    run                      made when the run has ended, from its start to its end
    +-- request              this call
        +-- step             one attempt that was executed; nothing for memoized steps

A run continues the trace of the event that started it; without one, that of the server.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from inngest.middleware import StepInfo, WrappedRequest
from inngest.otel._events import Carrier
from inngest.otel._ids import request_ids, run_ids, started_at, step_ids
from inngest.otel._metrics import FUNCTION, OUTCOME, STATUS
from inngest.otel._quietly import quietly
from inngest.otel._telemetry import (
    Telemetry,
    extracted,
    is_made,
    record,
    span_context,
    spanning,
)

FAILED: Final = 400
"""The lowest status of an answer that is a failure."""


class TracedCall:
    """The spans and measurements of one call."""

    def __init__(self, telemetry: Telemetry, app_id: str, request: WrappedRequest) -> None:
        self._telemetry = telemetry
        self._request = request
        self._started = time.time_ns()
        self._attributes: dict[str, str | int] = {
            "inngest.app.id": app_id,
            FUNCTION: request.function.id,
            "inngest.run.id": request.run_id,
        }
        self._run_parent = Context()
        self._links: list[Link] = []
        self._span: Span | None = None
        self._open = ExitStack()
        self.is_traced = False
        """Whether there is a span: not without an SDK."""

    @quietly()
    def start(self, carriers: Sequence[Carrier], *, attempt: int, replays: int) -> None:
        """Start the span. That needs the events of the run, and so comes after the request began."""
        run_id, request_id = self._request.run_id, self._request.headers.get("x-request-id")
        self._find_parent(carriers)
        parent = self._run_parent
        if self._telemetry.chooses_ids:
            parent = self._telemetry.below_run(
                parent, run_ids(run_id), self._request.function.id, self._attributes
            )
        self._span = self._telemetry.start(
            f"call {self._request.function.id}",
            request_ids(run_id, request_id, attempt) if request_id else None,
            context=parent,
            start_time=self._started,
            links=_links(span_context()),
            attributes={
                **self._attributes,
                "inngest.attempt": attempt,
                "inngest.replays": replays,
            },
        )
        self._open.enter_context(spanning(self._span, parent))
        self.is_traced = is_made(self._span, parent)
        function = {FUNCTION: self._request.function.id}
        self._telemetry.instruments.replays.add(replays, function)
        self._telemetry.instruments.request_replays.record(replays, function)

    def failed(self, error: Exception) -> None:
        """Note what the function has raised."""
        if self._span is not None:
            record(self._span, error)

    @contextmanager
    def step(self, info: StepInfo) -> Iterator[None]:
        """Trace and time one execution of a step."""
        span = self._telemetry.start(
            info.id,
            step_ids(self._request.run_id, info.hashed_id, info.attempt),
            attributes={
                **self._attributes,
                "inngest.step.id": info.id,
                "inngest.step.op": info.op.value,
                "inngest.attempt": info.attempt,
            },
        )
        started = time.perf_counter()
        try:
            with spanning(span):
                yield
        finally:
            with quietly():
                self._telemetry.instruments.step_duration.record(
                    time.perf_counter() - started, {FUNCTION: self._request.function.id}
                )

    @quietly()
    def count_step(self, outcome: str) -> None:
        """Count one execution of a step."""
        attributes = {FUNCTION: self._request.function.id, OUTCOME: outcome}
        self._telemetry.instruments.steps.add(1, attributes)

    @quietly()
    def end(self) -> None:
        """End the span, and that of the run if the answer ends it."""
        function, status = self._request.function.id, self._request.status
        if self._span is not None:
            if status is not None:
                self._span.set_attribute(STATUS, status)
            if status is not None and status >= FAILED:
                self._span.set_status(Status(StatusCode.ERROR))
            self._open.close()
        if status is None:
            return
        ended = time.time_ns()
        self._telemetry.instruments.request_duration.record(
            (ended - self._started) / 1e9, {FUNCTION: function, STATUS: status}
        )
        if self._request.ends_run:
            self._end_run(ended, is_failed=status >= FAILED)

    def _end_run(self, ended: int, *, is_failed: bool) -> None:
        run_id = self._request.run_id
        begun = started_at(run_id)
        started = self._started if begun is None else min(begun, self._started)
        outcome = "failed" if is_failed else "completed"
        span = self._telemetry.start(
            self._request.function.id,
            run_ids(run_id),
            context=self._run_parent,
            kind=SpanKind.CONSUMER,
            start_time=started,
            links=self._links,
            attributes={**self._attributes, OUTCOME: outcome},
        )
        if is_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
        attributes = {FUNCTION: self._request.function.id, OUTCOME: outcome}
        self._telemetry.instruments.runs.add(1, attributes)
        self._telemetry.instruments.run_duration.record((ended - started) / 1e9, attributes)

    def _find_parent(self, carriers: Sequence[Carrier]) -> None:
        """Let the run continue the trace of its event; if it has several, link it to theirs."""
        server = extracted(self._request.headers)
        senders = [extracted(carrier) for carrier in carriers if carrier]
        senders = [sender for sender in senders if span_context(sender).is_valid]
        if len(senders) == 1:
            self._run_parent, others = senders[0], [server]
        else:
            self._run_parent, others = server, senders
        self._links = [link for other in others for link in _links(span_context(other))]


def _links(to: SpanContext) -> list[Link]:
    return [Link(to)] if to.is_valid else []


__all__ = ["TracedCall"]
