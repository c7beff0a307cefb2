"""The middleware: it traces and measures calls of functions, their steps, and sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import SpanKind, TracerProvider

import inngest
from inngest.middleware import (
    Opcode,
    StepInfo,
    StepMemos,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
    WrappedSend,
)
from inngest.otel._call import TracedCall
from inngest.otel._context_middleware import RunContextMiddleware
from inngest.otel._events import (
    carrier_of,
    deferring_with_carrier,
    invoking_with_carrier,
    with_carrier,
)
from inngest.otel._quietly import quietly
from inngest.otel._telemetry import Telemetry, injected, is_made, spanning

_WITH_CARRIER = {Opcode.INVOKE: invoking_with_carrier, Opcode.DEFER_ADD: deferring_with_carrier}


class OpenTelemetryMiddleware(RunContextMiddleware):
    """Traces and measures calls of functions, their steps, and sends.

    :param client: the client.
    :param raw_request: the framework's request.
    :param telemetry: where to; :meth:`factory` makes it.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        raw_request: object,
        telemetry: Telemetry | None = None,
    ) -> None:
        super().__init__(client, raw_request)
        self._telemetry = telemetry or Telemetry()
        self._call: TracedCall | None = None

    @classmethod
    def factory(
        cls,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagate_events: bool = True,
    ) -> Callable[[inngest.Inngest, object], RunContextMiddleware]:
        """Return what a client's list of middleware takes.

        As long as no provider is set up, the middleware that it makes only sets the context of
        logs, and takes the trace context of senders out of events.

        :param tracer_provider: the global one by default, whenever it is set.
        :param meter_provider: likewise.
        :param propagate_events: put the trace context into the data of sent events.
        :raises TypeError: one of them is of another type.
        """
        for name, provider, method in (
            ("tracer_provider", tracer_provider, "get_tracer"),
            ("meter_provider", meter_provider, "get_meter"),
        ):
            if provider is not None and not callable(getattr(provider, method, None)):
                raise TypeError(f"{name} has no {method}: it is of type {type(provider).__name__}")
        if not isinstance(propagate_events, bool):
            raise TypeError("propagate_events is True or False")
        telemetry = Telemetry(
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            propagate_events=propagate_events,
        )

        def make(client: inngest.Inngest, raw_request: object) -> RunContextMiddleware:
            if telemetry.is_set_up:
                return cls(client, raw_request, telemetry)
            return RunContextMiddleware(client, raw_request)

        return make

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        """Time a call; its span is started as soon as its events are known."""
        call = self._call = TracedCall(self._telemetry, self.client.app_id, request)
        try:
            yield
        finally:
            call.end()

    def transform_input(self, ctx: Any, function: inngest.Function[Any], steps: StepMemos) -> None:
        """Start the span of a call, in the trace of the events of the run."""
        carriers = [carrier_of(event) for event in ctx.events]
        super().transform_input(ctx, function, steps)
        if self._call is not None:
            self._call.start(carriers, attempt=ctx.attempt, replays=steps.size)

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Note what the function raises."""
        try:
            yield from super().wrap_function(call)
        except Exception as error:
            if self._call is not None:
                self._call.failed(error)
            raise

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Trace and time one execution of a step."""
        with self._call.step(step.info) if self._call is not None else nullcontext():
            yield from super().wrap_step_handler(step)

    def on_step_complete(self, step: StepInfo) -> None:
        """Count a step."""
        if self._call is not None:
            self._call.count_step("completed")

    def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Count a failed attempt of a step."""
        if self._call is not None:
            self._call.count_step("failed" if step.is_final_attempt else "retried")

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        """Put the trace context into what other functions are given.

        They are those that a step invokes, and those that are deferred to the run's end.
        """
        step, put = result.step, None
        if step is not None and self._telemetry.propagates_events:
            put = _WITH_CARRIER.get(step.op)
        if step is not None and put and self._call is not None and self._call.is_traced:
            step.opts = put(step.opts or {}, injected())

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        """Trace the sending of events, and put the context into them."""
        if not send.events:
            yield
            return
        names = {event.name for event in send.events}
        name = f"send {names.pop()}" if len(names) == 1 else "send events"
        count = len(send.events)
        around = get_current()
        span = self._telemetry.start(name, kind=SpanKind.PRODUCER)
        with spanning(span):
            if self._telemetry.propagates_events and is_made(span, around):
                carrier = injected()
                send.events = [with_carrier(event, carrier) for event in send.events]
            yield
        with quietly():
            self._telemetry.instruments.events.add(count)


__all__ = ["OpenTelemetryMiddleware"]
