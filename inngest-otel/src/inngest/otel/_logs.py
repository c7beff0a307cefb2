"""Which run, step and attempt the code that logs belongs to."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Which run, attempt and step the code belongs to."""

    function_id: str
    run_id: str
    attempt: int
    step_id: str | None = None


run_context: ContextVar[RunContext | None] = ContextVar("inngest_otel_run_context", default=None)
"""That of the code that runs now; ``None`` outside functions."""


class RunLogFilter(logging.Filter):
    """Adds to each record the run that it belongs to. It lets all records pass.

    Records get ``inngest_function_id``, ``inngest_run_id``, ``inngest_step_id`` and
    ``inngest_attempt``, which counts from 0; outside a function, and for the step outside
    steps, they are ``None``. Add it to a handler, so that it sees the records of all loggers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes."""
        here = run_context.get()
        record.inngest_function_id = here and here.function_id
        record.inngest_run_id = here and here.run_id
        record.inngest_step_id = here and here.step_id
        record.inngest_attempt = None if here is None else here.attempt
        return True


__all__ = ["RunContext", "RunLogFilter", "run_context"]
