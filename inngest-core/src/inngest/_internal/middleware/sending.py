"""Send events within a client's or a call's middleware. A flow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pydantic

from inngest._internal.errors import Error, MiddlewareError, SendEventsError, message_of, with_cause
from inngest._internal.event import Event
from inngest._internal.flow import Flow, Outcome, Raised, Returned
from inngest._internal.middleware.records import WrappedSend
from inngest._internal.middleware.stack import Stack
from inngest._internal.sent import SendEventsResult

Post: TypeAlias = "Callable[[Sequence[Event[Any]]], Flow[SendEventsResult | Exception]]"
# Quoted, because subscripting a model makes pydantic build it, which scans entry points.


def send_within(
    hooks: Stack, events: list[Event[Any]], post: Post
) -> Flow[SendEventsResult | Exception]:
    """Send ``events`` with ``post``, within the hooks, which may change them.

    ``after_send_events`` receives a failure as a result with an ``error``.
    """
    if hooks.implements("before_send_events") or hooks.implements("wrap_send"):
        # Hooks must not change the caller's events.
        events = [_copy_of(event) for event in events]
    failure = yield from hooks.before("before_send_events", events)
    if failure is not None:
        return failure
    record = WrappedSend(events=events)
    outcome: Outcome[None] = yield from hooks.wrap("wrap_send", record, _post(record, post))
    if isinstance(outcome, Raised):
        error = outcome.error
        if not isinstance(error, Error):
            failed = MiddlewareError(f"a wrap_send hook raised {type(error).__name__}")
            error = with_cause(failed, error)
        record.result = _failure_result(error)
        failure = yield from hooks.after("after_send_events", record.result)
        return failure or error
    result = record.result or SendEventsResult()
    failure = yield from hooks.after("after_send_events", result)
    return result if failure is None else failure


def listed(events: object) -> list[Event[Any]]:
    """Return a list of the events in ``events``, which is one event or an iterable of them.

    :raises SendEventsError: it is, or contains, anything else.
    """
    if isinstance(events, Event):
        return [events]
    if isinstance(events, (str, Mapping)) or not isinstance(events, Iterable):
        raise _not_an_event(type(events))
    items = list(events)
    for kind in dict.fromkeys(map(type, items)):
        if not issubclass(kind, Event):
            raise _not_an_event(kind)
    return items


def ids_of(result: SendEventsResult | Exception) -> list[str]:
    """Return the ids of the sent events.

    :raises SendEventsError: sending failed.
    :raises Exception: what a hook raised, unchanged.
    """
    if isinstance(result, MiddlewareError) and not result.is_of_plugin:
        raise _hook_error(result)
    if isinstance(result, Exception):
        try:
            raise result
        finally:
            del result  # its traceback refers to this frame: avoid a reference cycle
    return result.ids


def _copy_of(event: Event[Any]) -> Event[Any]:
    """Copy an event and its data, as hooks may modify both in place."""
    try:
        return event.model_copy(update={"data": _copy_data(event.data)})
    except RecursionError:  # encoding it will fail
        return event.model_copy()


def _copy_data(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy_data(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_copy_data(value) for value in data]
    return data.model_copy() if isinstance(data, pydantic.BaseModel) else data


def _not_an_event(kind: type) -> SendEventsError:
    return SendEventsError(
        f"an inngest.Event is needed, or a list of them, not a {kind.__name__}",
        is_retriable=False,
    )


def _post(record: WrappedSend, post: Post) -> Flow[Outcome[None]]:
    result = yield from post(record.events)
    if isinstance(result, Exception):
        record.result = _failure_result(result)
        return Raised(result)
    record.result = result
    return Returned(None)


def _failure_result(error: Exception) -> SendEventsResult:
    ids = error.ids if isinstance(error, SendEventsError) else []
    return SendEventsResult(error=message_of(error), ids=ids)


def _hook_error(failure: MiddlewareError) -> BaseException:
    """Return what a hook raised, for callers that catch it, with a note that names the hook."""
    error = failure.__cause__
    if error is None:
        return failure
    if sys.version_info >= (3, 11):
        error.add_note(failure.message)
    return error


__all__ = ["Post", "ids_of", "listed", "send_within"]
