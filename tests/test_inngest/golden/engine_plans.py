"""What a recording does not say by itself, so that it can be played at its times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Plan:
    early: int = 1_700
    late: int = 400
    """Milliseconds that a call may be off its recorded time. The recorded server looks for due
    work now and then, so that it comes later than ours."""
    base: int | None = None
    """The time of the server at the recording's beginning, where no event tells it."""
    taken_as: Mapping[int, int] = field(default_factory=dict)
    """Requests that the server took in another order than they were sent: when that one was."""
    shuffled: Mapping[int, list[int]] = field(default_factory=dict)
    """The same, of the events of one request."""
    slow: Mapping[int, int] = field(default_factory=dict)
    """Milliseconds that the recorded app took for an answer."""
    broken: frozenset[int] = frozenset()
    """Calls whose connection the app closed."""
    answers: Mapping[int, bytes] = field(default_factory=dict)
    """Bodies that the recorder could not keep as text."""
    not_made: Mapping[int, str] = field(default_factory=dict)
    """Recorded calls that ours does not make, and why."""
    unlike: Mapping[str, str] = field(default_factory=dict)
    """Parts of the answers of the server that differ, and why."""
    outcomes: Mapping[int, tuple[str, Any]] = field(default_factory=dict)
    """How the runs of these calls end, where no later call shows it."""
    quiet_end: bool = True
    """Whether nothing happens after the last exchange."""


PLAIN: Final = Plan()

_FETCHED_AT: Final = {r"body\.metadata\.fetched_at": "the time, to other digits"}

PLANS: Final[Mapping[str, Plan]] = {
    "batch": Plan(shuffled={1: [3, 2, 1, 0]}),
    "cron_jitter": Plan(
        early=20_000,
        unlike={r"body\.events?(\[0\])?\.data\.fireAt": "chosen at random in each tick"},
        quiet_end=False,
    ),
    "cron_trigger": Plan(quiet_end=False),
    "event_future_ts": Plan(base=1_795_395_920_811),
    "executor_edge_responses": Plan(),
    "flow_batch_key_if": Plan(shuffled={1: [3, 4, 2, 1, 0]}),
    "flow_rate_limit": Plan(taken_as={2: 1, 1: 2, 10: 9, 9: 10}),
    "flow_throttle_concurrency": Plan(
        # a freed place was sometimes used only after two seconds
        early=2_800,
        # of runs with priorities, the recorded server had taken one before the others came
        late=1_200,
        taken_as={4: 1, 1: 2, 2: 4, 7: 5, 8: 7, 5: 8, 20: 17, 19: 18, 18: 19, 17: 20,
                  36: 35, 35: 36},
        slow={38: 500, 41: 500, 37: 1_000, **dict.fromkeys((*range(25, 33), 44, 49, 50, 51), 1_000)},
    ),
    "flow_timeouts": Plan(slow={4: 5_000, 7: 4_000}),
    "internal_events": Plan(shuffled={7: [1, 0]}),
    "parallel_versions_and_mixed_ops": Plan(slow={4: 1_000, 9: 1_000, 14: 1_100}),
    "signals": Plan(unlike=_FETCHED_AT),
} | dict.fromkeys(("ai_infer", "ai_infer_failure", "ai_infer_formats", "cancel_on_event", "cancel_parent_of_invoke", "defer", "flow_debounce", "flow_singleton", "step_fetch_gateway", "streaming_201", "wait_for_event_fulfilled", "wait_for_event_matching"), PLAIN)  # fmt: skip
