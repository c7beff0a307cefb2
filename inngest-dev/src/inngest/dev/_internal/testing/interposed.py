"""The kit's own middleware, innermost of the client's: puts stubs in place, tells the time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from inngest import Event, MiddlewareSync
from inngest.dev._internal.testing.context import current
from inngest.middleware import UninitializedMiddleware, WrappedHandler

if TYPE_CHECKING:
    from inngest import Inngest
    from inngest.dev._internal.clock import Clock
    from inngest.dev._internal.testing.stubs import Stubs


def interposed(stubs: Stubs, clock: Clock) -> UninitializedMiddleware:
    """What to add to the client's middleware."""
    return lambda client, raw_request: _Interposed(client, raw_request, stubs, clock)


class _Interposed(MiddlewareSync):
    def __init__(self, client: Inngest, raw_request: object, stubs: Stubs, clock: Clock) -> None:
        super().__init__(client, raw_request)
        self._stubs, self._clock = stubs, clock

    def before_send_events(self, events: list[Event[Any]]) -> None:
        """An event sent now is of the virtual now; with the real one it could lie ahead."""
        events[:] = [
            event
            if "ts" in event.model_fields_set
            else event.model_copy(update={"ts": self._clock.now()})
            for event in events
        ]

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        calling = current()
        self._stubs.put_on(step, calling.function_id if calling else None)
        try:
            yield
        finally:
            if calling is not None:
                calling.executed.append(step.info.id)
