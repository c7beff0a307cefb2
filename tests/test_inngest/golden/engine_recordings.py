"""The recordings that are played to our engine."""

from __future__ import annotations

from typing import Final

EVENTS_API: Final = "events_api"
"""Requests to the events API; it holds no calls."""

ENGINE_COVERED: Final = frozenset(
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
"""Played call by call."""
