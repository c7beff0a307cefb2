"""What a user's handler is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from inngest._internal.event import DataT, Event
from inngest._internal.step.group import Group, GroupSync
from inngest._internal.step.replay_logger import Logger
from inngest._internal.step.step import Step
from inngest._internal.step.step_sync import StepSync


@dataclass(kw_only=True)
class Context(Generic[DataT]):
    """The argument of an async function.

    ``Context[Model]`` belongs to a function with a typed trigger (:class:`inngest.EventType`):
    ``event.data`` is an instance of the model. ``attempt`` counts from 0. ``max_attempts`` is
    ``None`` when the server does not say. ``logger`` is silent while memoized steps replay.
    """

    attempt: int
    event: Event[DataT]
    events: list[Event[DataT]]
    group: Group
    job_id: str | None = None
    logger: Logger
    max_attempts: int | None = None
    request_id: str | None = None
    run_id: str
    step: Step


@dataclass(kw_only=True)
class ContextSync(Generic[DataT]):
    """The argument of a sync function. The same fields as :class:`Context`."""

    attempt: int
    event: Event[DataT]
    events: list[Event[DataT]]
    group: GroupSync
    job_id: str | None = None
    logger: Logger
    max_attempts: int | None = None
    request_id: str | None = None
    run_id: str
    step: StepSync
