"""What the middleware does without providers: the context of logs, and carriers taken out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import inngest
from inngest.middleware import StepMemos, WrappedFunction, WrappedHandler
from inngest.otel._events import forget_carriers, without_carrier
from inngest.otel._logs import RunContext, run_context


class RunContextMiddleware(inngest.MiddlewareSync):
    """Sets :data:`run_context` while functions and steps run, and takes carriers out of events.

    Senders may trace, and put carriers into events, where this process has no provider.
    """

    def transform_input(self, ctx: Any, function: inngest.Function[Any], steps: StepMemos) -> None:
        """Take the carriers out of events."""
        ctx.event = without_carrier(ctx.event)
        ctx.events = [without_carrier(event) for event in ctx.events]
        forget_carriers(steps)

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Set the context of the run."""
        ctx = call.ctx
        here = RunContext(function_id=call.function.id, run_id=ctx.run_id, attempt=ctx.attempt)
        with _set(here):
            yield

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Add the step to the context of the run."""
        around = run_context.get()
        info = step.info
        with _set(around and replace(around, step_id=info.id, attempt=info.attempt)):
            yield


@contextmanager
def _set(here: RunContext | None) -> Iterator[None]:
    token = run_context.set(here)
    try:
        yield
    finally:
        run_context.reset(token)


__all__ = ["RunContextMiddleware"]
