"""The middleware without providers: it only tells code that logs where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import inngest
from inngest.middleware import WrappedFunction, WrappedHandler
from inngest.otel._logs import Place, place


class PlacingMiddleware(inngest.MiddlewareSync):
    """Keeps :data:`place` right while functions and steps run."""

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
