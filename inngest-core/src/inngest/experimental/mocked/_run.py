"""What a test asks for, and what it is told."""

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
"""Stands in for a step that waits: its time is over before anything comes."""


class UnstubbedStepError(Exception):
    """A step of the function needs somebody else, and has no stub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run that has ended.

    :param output: what the function returned, as JSON values; ``None`` if it did not.
    :param error: what the last attempt of the function raised, if the run failed; what a step
        raised, if that was not caught.
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
    """Run a function to its end, with its retries and its failure handler.

    Its triggers and limits do not matter. Sleeps and the pauses between attempts pass at
    once. A sync function runs on this thread; where an event loop is running, which it holds
    up, on another one.

    :param event: what the function is given; a list is a batch.
    :param client: whose middleware and serializer are used. It stays as it is.
    :param step_stubs: what stands in for steps, by their ids. For ``run``, ``send_event``,
        ``invoke`` and ``ai.infer``: a result, an exception to raise, or a callable that gives
        either. For ``wait_for_event``: an event, or a dictionary of its fields; :data:`Timeout`
        or ``None``. For ``wait_for_signal``: the signal's data, or :data:`Timeout`. For
        ``fetch``: an :class:`inngest.FetchedResponse`, or what an answer of status 200 holds,
        text or JSON. Steps that wait, invoke, fetch or ask a model need one; others are run.
    :raises UnstubbedStepError: a step that needs a stub has none.
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
