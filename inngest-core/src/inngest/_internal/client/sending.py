"""Send events within the client's middleware. A flow, for both faces of the client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from inngest._internal.api.events import SendEventsResult
from inngest._internal.errors import Error, MiddlewareError, SendEventsError
from inngest._internal.event import Event
from inngest._internal.flow import Flow, Outcome, Raised, Returned
from inngest._internal.middleware.records import WrappedSend
from inngest._internal.middleware.stack import Stack

Post: TypeAlias = "Callable[[Sequence[Event[Any]]], Flow[SendEventsResult | Error]]"
# In quotes: to subscript a model makes pydantic build it, which scans entry points.


def send_within(
    factories: Sequence[Callable[..., object]],
    client: object,
    events: list[Event[Any]],
    post: Post,
) -> Flow[SendEventsResult | Error]:
    """Have middleware see and change ``events``, then ``post`` them.

    ``after_send_events`` sees a failure as a result with an ``error``.
    """
    hooks = yield from Stack.build(factories, client, None)
    if isinstance(hooks, MiddlewareError):
        return hooks
    if hooks.implements("before_send_events") or hooks.implements("wrap_send"):
        # They change what is sent, and not what the caller holds.
        events = [event.model_copy() for event in events]
    failure = yield from hooks.before("before_send_events", events)
    if failure is not None:
        return failure
    record = WrappedSend(events=events)
    outcome: Outcome[None] = yield from hooks.wrap("wrap_send", record, _posted(record, post))
    if isinstance(outcome, Raised):
        error = outcome.error
        if not isinstance(error, Error):
            error = MiddlewareError(f"a wrap_send hook raised {type(error).__name__}")
            error.__cause__ = outcome.error
        record.result = _failed(error)
        failure = yield from hooks.after("after_send_events", record.result)
        return failure or error
    result = record.result or SendEventsResult()
    failure = yield from hooks.after("after_send_events", result)
    return result if failure is None else failure


def _posted(record: WrappedSend, post: Post) -> Flow[Outcome[None]]:
    result = yield from post(record.events)
    if isinstance(result, Error):
        record.result = _failed(result)
        return Raised(result)
    record.result = result
    return Returned(None)


def _failed(error: Error) -> SendEventsResult:
    ids = error.ids if isinstance(error, SendEventsError) else []
    return SendEventsResult(error=error.message, ids=ids)
