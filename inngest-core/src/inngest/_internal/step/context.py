"""What a user's handler is given."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest._internal.event import Event
from inngest._internal.step.group import Group, GroupSync
from inngest._internal.step.step import Step, StepSync

if TYPE_CHECKING:
    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
else:  # Python 3.10 cannot subscript it
    Logger = logging.Logger | logging.LoggerAdapter


@dataclass(kw_only=True)
class Context:
    """The argument of an async function.

    ``attempt`` counts from 0. ``max_attempts`` is ``None`` when the server does not say.
    """

    attempt: int
    event: Event
    events: list[Event]
    group: Group
    job_id: str | None = None
    logger: Logger
    max_attempts: int | None = None
    request_id: str | None = None
    run_id: str
    step: Step


@dataclass(kw_only=True)
class ContextSync:
    """The argument of a sync function. The same fields as :class:`Context`."""

    attempt: int
    event: Event
    events: list[Event]
    group: GroupSync
    job_id: str | None = None
    logger: Logger
    max_attempts: int | None = None
    request_id: str | None = None
    run_id: str
    step: StepSync
