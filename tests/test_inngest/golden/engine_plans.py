"""What a recording does not say by itself, so that it can be played at its times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .differences import step_id

STEP_A, STEP_B = step_id("a"), step_id("b")


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
    unlike: Mapping[str, str] = field(default_factory=dict)
    """Parts of calls, and of the answers of the server, that differ, and why. A pattern may
    begin with the number of the exchange."""
    statuses: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    """Answers of ours with another status, and why."""
    quiet_end: bool = True
    """Whether nothing happens after the last exchange."""


PLAIN: Final = Plan()

_FETCHED_AT: Final = {r"body\.metadata\.fetched_at": "the time, to other digits"}
_RUN_VIEW: Final = {
    r"body\.metadata\..*": "times, to other digits",
    r"body\.data(\[0\])?\.(run_started_at|ended_at|received_at|ts)": "times, to other digits",
    r"body\.data(\[0\])?\.function_id": "the server's UUIDs",
    r"body\.data(\[0\])?\.(internal_)?(event_)?id": "chosen at random",
}
_HIDDEN: Final = "the recorded server says 200, and the status in the body only"
_BULK: Final = "the recorded server fails; ours says what to do"

PLANS: Final[Mapping[str, Plan]] = {
    **dict.fromkeys(
        (
            "ai_infer",
            "ai_infer_failure",
            "ai_infer_formats",
            "cancel_on_event",
            "cancel_parent_of_invoke",
            "defer",
            "flow_debounce",
            "flow_singleton",
            "step_fetch_gateway",
            "wait_for_event_fulfilled",
        ),
        PLAIN,
    ),
    "batch": Plan(shuffled={1: [3, 2, 1, 0]}),
    "checkpoint_async": Plan(
        late=1_300,
        slow={2: 120, 6: 160, 10: 250, 14: 420, 35: 900},
        taken_as={36: 37},  # the recorded retry came before the second that it was to wait
        unlike={"23 body.error": "words of another parser"},
    ),
    "cron_jitter": Plan(
        early=20_000,
        unlike={r"body\.events?(\[0\])?\.data\.fireAt": "chosen at random in each tick"},
        quiet_end=False,
    ),
    "cron_trigger": Plan(quiet_end=False),
    "encryption_middleware": Plan(base=1_795_396_233_742),
    "event_future_ts": Plan(base=1_795_395_920_811),
    "executor_edge_responses": Plan(
        early=31_000,  # the jitter of a retry, as ours has none
        broken=frozenset({26}),
        answers={
            19: json.dumps(
                [
                    {"id": STEP_B, "op": "StepRun", "displayName": "b", "data": 2},
                    {"id": STEP_A, "op": "StepRun", "displayName": "a", "data": 1},
                ]
            ).encode(),  # taken in the other order
            40: b'{"gz": 1}',  # unpacked
            43: b"",
        },
        unlike={
            **_RUN_VIEW,
            r"(79|80) body\.data\.output.*": "the recorded server forgets what RunComplete says",
            r"82 body\.data\..*": "an invocation without payload hangs the recorded server",
            r"86 body\.data\.output\.error\.stack": "words of another parser",
        },
    ),
    "rest_api": Plan(
        unlike={
            **_RUN_VIEW,
            r"(9|10|11) body\..*": "compared by its status",
            r"(36|38) body.*": "compared by its status",
            r"18 body\[0\]\.ts": "times, to other digits",
            r"21 body\.data\[0\]\.(JobID|Raw.*|at)": "chosen at random; inner workings; times",
            r"29 body\.data\.(status|ended_at)": "the recorded server is late, and says Running",
            r"39 body\[\d\]\.(internal_id|app_id|config\.id)": "the server's UUIDs",
            r"39 body\[\d\]\.(created|archived)_at": "when the server saw the function",
            r"39 body\[\d\]\.config\.steps\[0\]\.uri": "localhost for 127.0.0.1",
            r"(41|42) body\.id": "chosen at random",
        },
        statuses={
            9: (400, _HIDDEN),
            10: (404, _HIDDEN),
            11: (404, _HIDDEN),
            36: (501, _BULK),
            38: (501, _BULK),
        },
    ),
    "flow_batch_key_if": Plan(shuffled={1: [3, 4, 2, 1, 0]}),
    "flow_rate_limit": Plan(taken_as={2: 1, 1: 2, 10: 9, 9: 10}),
    "flow_throttle_concurrency": Plan(
        # a freed place was sometimes used only after two seconds
        early=2_800,
        # of runs with priorities, the recorded server had taken one before the others came
        late=1_200,
        taken_as={
            4: 1,
            1: 2,
            2: 4,
            7: 5,
            8: 7,
            5: 8,
            20: 17,
            19: 18,
            18: 19,
            17: 20,
            36: 35,
            35: 36,
        },
        slow={
            38: 500,
            41: 500,
            37: 1_000,
            **dict.fromkeys((*range(25, 33), 44, 49, 50, 51), 1_000),
        },
    ),
    "flow_timeouts": Plan(slow={4: 5_000, 7: 4_000}),
    "internal_events": Plan(shuffled={7: [1, 0]}),
    "parallel_versions_and_mixed_ops": Plan(slow={4: 1_000, 9: 1_000, 14: 1_100}),
    "signals": Plan(unlike=_FETCHED_AT),
    "streaming_201": Plan(slow={2: 4_300}),
    # the wait for the trigger's own name is registered when all events have come in
    "wait_for_event_matching": Plan(slow={14: 100}),
}
