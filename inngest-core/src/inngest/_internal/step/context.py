"""The argument of a user's handler."""

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

    Use ``Context[Model]`` if the function has a typed trigger (:class:`inngest.EventType`):
    ``event.data`` is then an instance of the model.

    :param attempt: the number of earlier attempts.
    :param event: the triggering event, the first of ``events``.
    :param events: all events of a batch.
    :param group: runs branches of the function in parallel.
    :param job_id: the id of the server's job for this call, if it sent one.
    :param logger: the client's logger, silent while memoized steps replay.
    :param max_attempts: the limit of attempts, if the server sent it.
    :param request_id: the id of the server's request, if it sent one.
    :param run_id: the id of the run.
    :param step: the steps of the function.
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
    """The argument of a sync function, with the same fields as :class:`Context`."""

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
