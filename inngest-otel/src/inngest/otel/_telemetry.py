"""Tracers and instruments of the app's providers, and spans with ids that are chosen.

An SDK takes the ids of a span from the generator of its tracer. A span with chosen ids is
started by a copy of the tracer whose generator gives those. Where a tracer has no generator,
as without an SDK, ids are the provider's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TracerProvider,
)

from inngest.otel._ids import Ids
from inngest.otel._metrics import Instruments
from inngest.otel._quietly import quietly

SCOPE: Final = "inngest.otel"
API: Final = ("opentelemetry.trace", "opentelemetry.metrics")
"""Modules of the providers that stand in for those that nobody has set up."""


class Telemetry:
    """Where spans and measurements go.

    :param tracer_provider: the global one by default, whenever it is set.
    :param meter_provider: likewise.
    :param propagate_events: put the trace context into the data of sent events.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagate_events: bool = True,
    ) -> None:
        self._provider, self._meters = tracer_provider, meter_provider
        self.propagates_events = propagate_events
        self.instruments: Instruments = Instruments(
            metrics.get_meter(SCOPE, meter_provider=meter_provider)
        )

    @property
    def is_set_up(self) -> bool:
        """Whether a provider takes spans or measurements. Without an SDK none does."""
        return not all(
            type(provider).__module__.startswith(API)
            for provider in (
                self._provider or trace.get_tracer_provider(),
                self._meters or metrics.get_meter_provider(),
            )
        )

    @property
    def chooses_ids(self) -> bool:
        """Whether spans can be given ids: a tracer of an SDK takes them from its generator."""
        return hasattr(self._tracer(), "id_generator")

    def start(self, name: str, ids: Ids | None = None, **options: Any) -> Span:
        """Start a span, with these ids if the tracer allows that.

        If it fails, a span that does nothing stands in, with the ids of its parent.
        """
        with quietly():
            tracer = self._tracer()
            if ids is not None and hasattr(tracer, "id_generator"):
                tracer = copy.copy(tracer)
                tracer.id_generator = _Chosen(ids, tracer.id_generator)
            started: Span = tracer.start_span(name, **options)
            return started
        return NonRecordingSpan(span_context(options.get("context")))

    def below_run(
        self, parent: Context, ids: Ids, name: str, attributes: Mapping[str, Any]
    ) -> Context:
        """A context to start the span of a call in, as a child of the run's span.

        The latter is made only when the run has ended. If it is to begin the trace, whether it
        will be sampled is asked now, and holds for its children.
        """
        above = span_context(parent)
        is_first = not above.is_valid
        own = SpanContext(
            trace_id=ids.trace_id if is_first else above.trace_id,
            span_id=ids.span_id,
            is_remote=True,
            trace_flags=self._flags(ids, name, attributes) if is_first else above.trace_flags,
            trace_state=above.trace_state,
        )
        return trace.set_span_in_context(NonRecordingSpan(own), parent)

    def _flags(self, ids: Ids, name: str, attributes: Mapping[str, Any]) -> TraceFlags:
        sampler = getattr(self._tracer(), "sampler", None)
        if sampler is None:
            return TraceFlags(TraceFlags.SAMPLED)
        with quietly():
            asked = sampler.should_sample(
                Context(),
                ids.trace_id,
                name,
                kind=SpanKind.CONSUMER,
                attributes=attributes,
                links=(),
            )
            return TraceFlags(TraceFlags.SAMPLED if asked.decision.is_sampled() else 0)
        return TraceFlags.get_default()

    def _tracer(self) -> Any:
        return (self._provider or trace.get_tracer_provider()).get_tracer(SCOPE)


class _Chosen:
    """A generator of ids that gives chosen ones; all else is the other generator's."""

    def __init__(self, ids: Ids, other: Any) -> None:
        self._ids, self._other = ids, other

    def generate_span_id(self) -> int:
        return self._ids.span_id

    def generate_trace_id(self) -> int:
        return self._ids.trace_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)


@contextmanager
def spanning(span: Span, parent: Context | None = None) -> Iterator[None]:
    """Have ``span`` be current while the block lasts, then end it."""
    token = contexts.attach(trace.set_span_in_context(span, parent))
    try:
        yield
    except Exception as error:
        record(span, error)
        raise
    finally:
        contexts.detach(token)
        with quietly():
            span.end()


def is_made(span: Span, parent: Context) -> bool:
    """Whether ``span`` is a real one: without a provider, a new span has the ids of its parent."""
    made = span.get_span_context()
    return made.is_valid and made.span_id != span_context(parent).span_id


def record(span: Span, error: Exception) -> None:
    """Note that the work of ``span`` has failed."""
    with quietly():  # its message may not be there to read
        span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))


def extracted(carrier: Mapping[str, str]) -> Context:
    """Read the context that another process has written."""
    with quietly():
        return propagate.extract(carrier, context=Context())
    return Context()


def injected() -> dict[str, str]:
    """Write the current context for another process."""
    carrier: dict[str, str] = {}
    with quietly():
        propagate.inject(carrier)
    return carrier


def span_context(of: Context | None = None) -> SpanContext:
    """The span of a context, by default the current one. It may be invalid."""
    return trace.get_current_span(of).get_span_context()


__all__ = [
    "Telemetry",
    "extracted",
    "injected",
    "is_made",
    "record",
    "span_context",
    "spanning",
]
