"""Trigger a run with stubs, and return how it ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from inngest._internal.event import Event
from inngest._internal.function.function import Function
from inngest._internal.runtime.portal import on_free_thread
from inngest.experimental.mocked._client import Inngest


class Status(enum.Enum):
    """How a run ended."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class _Timeout:
    def __repr__(self) -> str:
        return "mocked.Timeout"


Timeout: Final = _Timeout()
"""Stub for a step that waits for an event or a signal: it times out."""


class UnstubbedStepError(Exception):
    """A step that depends on something outside the function has no stub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a run.

    :param output: the function's return value as JSON types; ``None`` if the run failed.
    :param error: if the run failed, what the function raised in its last attempt; if it did not
        catch a step's error, what that step raised.
    """

    error: Exception | None
    output: object
    status: Status


def trigger(
    fn: Function[Any],
    event: Event[Any] | list[Event[Any]],
    client: Inngest,
    *,
    step_stubs: dict[str, object] | None = None,
) -> Result:
    """Run a function to its end, including its retries and its failure handler.

    Triggers and flow control do not apply. Sleeps and retry delays take no time. A sync function
    runs on the calling thread, or, if an event loop is running there, on another one; that
    loop is blocked meanwhile.

    :param event: the triggering event; a list is a batch.
    :param client: the client whose middleware and serializer are used. It is not modified.
    :param step_stubs: stubs by step id. For ``run``, ``send_event``, ``invoke`` and
        ``ai.infer``: a result, an exception to raise, or a callable that returns either. For
        ``wait_for_event``: an event, a dictionary of its fields, or :data:`Timeout` or ``None``.
        For ``wait_for_signal``: the signal's data, or :data:`Timeout`. For ``fetch``: an
        :class:`inngest.FetchedResponse`, or the body of a response of status 200, text or JSON.
        Required for all of these but ``run`` and ``send_event``, which run without one.
    :raises UnstubbedStepError: a step that requires a stub has none.
    :raises ModuleNotFoundError: ``inngest-dev`` is not installed.
    """
    if not isinstance(client, Inngest):
        raise TypeError(
            "trigger() needs an inngest.experimental.mocked.Inngest, which sends nothing"
        )
    if not isinstance(fn, Function):
        raise TypeError(f"trigger() needs an inngest.Function, not a {type(fn).__name__}")
    events = event if isinstance(event, list) else [event]
    if not events:
        raise ValueError("trigger() needs an event")
    for each in events:
        if not isinstance(each, Event):
            raise TypeError(f"trigger() needs an inngest.Event, not a {type(each).__name__}")
    try:
        from inngest.dev.testing.isolated import run
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("inngest.dev"):
            raise
        raise ModuleNotFoundError(
            "inngest.experimental.mocked.trigger() runs functions on the engine of another wheel: "
            "pip install inngest-dev",
            name=error.name,
        ) from error
    return on_free_thread(partial(run, fn, events, client, step_stubs or {}))


__all__ = ["Result", "Status", "Timeout", "UnstubbedStepError", "trigger"]
