"""The effect that runs a user's function, and what it needs to know. Values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inngest._internal.engine.execution import Execution
from inngest._internal.event import Event
from inngest._internal.flow import Effect
from inngest._internal.step.context import Logger


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation(Effect):
    """Run ``handler`` against ``execution``.

    Outcome: ``Returned`` or ``Raised`` for a function that ended by itself; it counts
    only when ``execution.outcome`` is ``None``.
    """

    execution: Execution
    handler: Callable[..., object]
    is_async: bool
    event: Event
    events: list[Event]
    run_id: str
    job_id: str | None
    request_id: str | None
    logger: Logger
    send: Callable[[Event | list[Event]], Awaitable[list[str]]]
    send_sync: Callable[[Event | list[Event]], list[str]]
