"""The test kit's middleware, the client's innermost: it replaces steps with stubs."""

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


def kit_middleware(stubs: Stubs, clock: Clock) -> UninitializedMiddleware:
    """Return the factory to add to the client's middleware."""
    return lambda client, raw_request: _KitMiddleware(client, raw_request, stubs, clock)


class _KitMiddleware(MiddlewareSync):
    def __init__(self, client: Inngest, raw_request: object, stubs: Stubs, clock: Clock) -> None:
        super().__init__(client, raw_request)
        self._stubs, self._clock = stubs, clock

    def before_send_events(self, events: list[Event[Any]]) -> None:
        """Set a missing `ts` to virtual time, as real time may lie in its future."""
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
