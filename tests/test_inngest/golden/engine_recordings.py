"""The recordings that are played to our engine."""

from __future__ import annotations

from typing import Final

from .engine_plans import PLANS
from .realtime import REALTIME

EVENTS_API: Final = "events_api"
"""Requests to the events API; it holds no calls."""

SYNC_ERRORS: Final = "sync_errors"
"""Registrations, and what the server says to them."""

CHECKPOINTS: Final = "checkpoint_async"
"""Steps that are recorded while a call goes on."""

ENDPOINTS: Final = "checkpoint_sync_durable_endpoint"
"""Runs whose code is an HTTP handler."""

EXPRESSIONS: Final = "cel_trigger_expressions"
"""Functions with expressions as triggers, and one event."""

CALL_BY_CALL: Final = frozenset(
    {
        "function_error_retry_success",
        "invoke_failing",
        "invoke_not_found",
        "invoke_ok",
        "invoke_timeout",
        "limits_and_attempts",
        "no_steps_success",
        "non_retriable",
        "on_failure",
        "parallel_mode_race",
        "parallel_steps",
        "repeated_step_ids",
        "retry_after",
        "send_event_inside_step",
        "sleep",
        "step_error_caught",
        "step_error_retries_exhausted",
        "two_steps_serial",
        "use_api",
        "wait_for_event_timeout",
    }
)
"""Played from one call to the next."""

ENGINE_COVERED: Final = (
    CALL_BY_CALL | frozenset(PLANS) | {SYNC_ERRORS, EXPRESSIONS, ENDPOINTS} | REALTIME
)
