"""The middleware without providers: it tells code that logs where it is, and hides carriers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import inngest
from inngest.middleware import StepMemos, WrappedFunction, WrappedHandler
from inngest.otel._events import forget_carriers, without_carrier
from inngest.otel._logs import Place, place


class PlacingMiddleware(inngest.MiddlewareSync):
    """Keeps :data:`place` right while functions and steps run.

    Senders may have providers where this process has none: their carriers are taken out.
    """

    def transform_input(self, ctx: Any, function: inngest.Function[Any], steps: StepMemos) -> None:
        """Take the carriers out of events."""
        ctx.event = without_carrier(ctx.event)
        ctx.events = [without_carrier(event) for event in ctx.events]
        forget_carriers(steps)

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Be in a run."""
        ctx = call.ctx
        here = Place(function_id=call.function.id, run_id=ctx.run_id, attempt=ctx.attempt)
        with _set(here):
            yield

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Be in a step of it."""
        around = place.get()
        info = step.info
        with _set(around and replace(around, step_id=info.id, attempt=info.attempt)):
            yield


@contextmanager
def _set(here: Place | None) -> Iterator[None]:
    token = place.set(here)
    try:
        yield
    finally:
        place.reset(token)


__all__ = ["PlacingMiddleware"]
