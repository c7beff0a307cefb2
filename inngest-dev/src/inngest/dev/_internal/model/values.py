"""The engine's values: plain data. Times are integer milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from inngest.dev._internal.function.options import Options

Json = Any
ItemKind = Literal[
    "call", "sleep", "wait", "invoke", "signal", "fetch",
    "start_timeout", "finish_timeout", "batch", "debounce", "cron",
]  # fmt: skip
"""A run's items are calls, timers and requests of its steps, and its timeouts. The last three
kinds belong to functions."""
TIMEOUTS: tuple[ItemKind, ...] = ("start_timeout", "finish_timeout")
GateKind = Literal["batch", "debounce", "rate_limit", "throttle"]
RunStatus = Literal["Scheduled", "Running", "Completed", "Failed", "Cancelled"]
StepState = Literal["pending", "completed", "failed"]

DISCOVERY = "step"
"""The step id of a discovery: a call that replays the function to find what comes next."""

FAILED_EVENT = "inngest/function.failed"
FINISHED_EVENT = "inngest/function.finished"
CANCELLED_EVENT = "inngest/function.cancelled"
INVOKED_EVENT = "inngest/function.invoked"
SCHEDULED_EVENT = "inngest/scheduled.timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """An event or a cron schedule; the other is empty."""

    event: str = ""
    expression: str | None = None
    cron: str | None = None
    jitter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    id: str
    """Composite id, `<app>-<function>`."""
    uuid: str
    app: str
    name: str
    url: str
    max_attempts: int
    triggers: tuple[Trigger, ...]
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    internal_id: str
    received_at: int
    body: Mapping[str, Json]
    """name, data, id, ts, and user, v, meta when given."""
    target: str | None = None
    """The only function that it may start, if it is from a cron timer. Not stored."""

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def key(self) -> str:
        """The deduplication key: the sender's id, else the internal one."""
        return str(self.body["id"])

    @property
    def inner(self) -> Mapping[str, Json]:
        """The engine's own part of the data, `data._inngest`, if any."""
        data = self.body.get("data")
        inner = data.get("_inngest") if isinstance(data, dict) else None
        return inner if isinstance(inner, dict) else {}

    def wire(self) -> dict[str, Json]:
        """Return the event in the form that functions receive."""
        return {"user": {}, **self.body}


@dataclass(slots=True, kw_only=True)
class Step:
    """One step of a run."""

    id: str
    name: str
    op: str
    state: StepState
    created_at: int
    ended_at: int | None = None
    memo: Json = None
    """The result sent with calls: `{"data": …}`, `{"error": {…}}`, an event, or null.

    Null while pending, or `{"input": […]}` if a rerun replaced its arguments.
    """
    arguments: list[Json] | None = None
    """What its code was called with, if the app reports it."""
    dirty: bool = True
    """Whether it differs from what is stored."""
    encoded: bytes | None = None
    """A cache of `"id":memo` as JSON, as every call after the step's end contains it."""

    @property
    def output(self) -> Json:
        """The output; None if pending or failed."""
        if self.state != "completed":
            return None
        is_wrapped = isinstance(self.memo, dict) and set(self.memo) == {"data"}
        return self.memo["data"] if is_wrapped else self.memo

    @property
    def error(self) -> Json:
        """The error; None unless failed."""
        return self.memo["error"] if self.state == "failed" else None


def _copy(step: Step) -> Step:
    """Like `dataclasses.replace`, but four times as fast."""
    copy = object.__new__(Step)
    for name in Step.__slots__:
        setattr(copy, name, getattr(step, name))
    return copy


@dataclass(kw_only=True)
class Run:
    id: str
    function_id: str
    events: tuple[Event, ...]
    """The events that started it; several for a batch."""
    status: RunStatus
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    output: Json = None
    version: int = -1
    """Protocol version of the app's last answer; -1 before the first."""
    plan_only: bool = False
    """Whether all further calls only plan, as after parallel steps in version 1."""
    steps: dict[str, Step] = field(default_factory=dict)
    """By id, in the order first reported."""
    stack: list[str] = field(default_factory=list)
    """The ids of ended steps, in the order in which they ended."""
    keys: dict[str, str] = field(default_factory=dict)
    """The values of its flow control keys at its start, by expression."""
    lane: str | None = None
    """The lane that it holds from first call to end, if runs are limited: see `lanes`."""
    single: str | None = None
    """The value of the singleton key, if its function is a singleton."""
    priority: int = 0
    """Milliseconds that it is queued ahead of others."""
    defers: dict[str, Json] = field(default_factory=dict)
    """The calls deferred until its end, by id: see `machine.deferred`."""
    response: dict[str, Json] | None = None
    """The status, headers and body of a durable endpoint's response."""
    encoded_events: tuple[bytes, bytes] | None = None
    """A cache of the first event, and of the list of all, as JSON."""

    @property
    def event(self) -> Event:
        """The triggering event; the first of a batch."""
        return self.events[0]

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def memos(self) -> dict[str, Json]:
        """Return the memos to send with calls: of ended steps, and any of pending ones."""
        known = {step_id: self.steps[step_id].memo for step_id in self.stack}
        for step_id in self.pending:
            if self.steps[step_id].memo is not None:
                known[step_id] = self.steps[step_id].memo
        return known

    @property
    def pending(self) -> set[str]:
        """The ids of the steps that have not ended."""
        count = len(self.steps) - len(self.stack)
        # They are nearly always the latest ones: stop early, as a long run computes this at each
        # call.
        latest = (s.id for s in reversed(self.steps.values()) if s.state == "pending")
        return set(islice(latest, count))

    @property
    def has_pending(self) -> bool:
        """Whether there are steps that have not ended."""
        return len(self.steps) > len(self.stack)

    def changing(self, step_id: str) -> Step:
        """Return a step to modify, copied first, as copies of the run share steps."""
        step = self.steps[step_id] = _copy(self.steps[step_id])
        return step

    @property
    def correlation_ids(self) -> list[str]:
        """The correlation ids of the invoke steps that wait for its end."""
        found = (correlation_id(event) for event in self.events)
        return [each for each in found if each is not None]


@dataclass(slots=True)
class Item:
    """One entry of the queue. It stays in the store until its outcome is recorded.

    Do not modify it. (A frozen dataclass would take three times as long to create.)
    """

    job_id: str
    run_id: str
    kind: ItemKind
    step_id: str
    due: int
    attempt: int = 0
    """How many attempts have failed."""
    generation: int = 1
    """Incremented with each attempt, to recognize answers to earlier ones."""
    current: int = 0
    """How many steps of the run had ended when this was queued."""
    plan_only: bool = False
    """Whether the app may only report steps, not execute them."""
    race: bool = False
    """Whether its step is in a race: the end of each such step queues a discovery."""
    match: str | None = None
    """What it is looked up by: the event name of a wait, the correlation id of an invoke, the name
    of a signal, the key of a batch or debounce, the schedule of a cron timer."""
    condition: str | None = None
    """The expression that a wait's event must match."""
    payload: Json = None
    """The request of a fetch, the minute of a cron timer in milliseconds."""
    function_id: str = ""
    """The function of a timer that belongs to no run."""
    priority: int = 0
    """Milliseconds that it is taken ahead of others."""
    fields: str | None = None
    """The event fields that a wait's condition compares for equality (see
    `expressions.demand`); None: there are none."""
    wanted: str | None = None
    """The values of these fields, as of `demanded`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The state of one kind of flow control of a function, for one value of its key.

    For a batch, its timer's job and the number of events; for a debounce, the job, the event and
    when the first one arrived; for a rate limit or throttle, the arrival time of `gcra`.
    """

    kind: GateKind
    function_id: str
    key: str
    state: Json
    """None deletes the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """An event in an open batch. It is deleted with the batch's gate."""

    function_id: str
    key: str
    place: int
    event_id: str


@dataclass(slots=True, kw_only=True)
class Transition:
    """A change of state. The store applies it atomically."""

    runs: list[Run] = field(default_factory=list)
    """Runs to store. Ending one drops all of its items."""
    items: list[Item] = field(default_factory=list)
    """Items to queue, each replacing the one with the same job id."""
    drops: list[str] = field(default_factory=list)
    """The ids of jobs to remove from the queue, before items are added."""
    events: list[Event] = field(default_factory=list)
    """Events to receive next."""
    gates: list[Gate] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """A failed attempt that will be retried."""

    run_id: str
    function_id: str
    step: str | None
    """The name of the step; None: the function, outside of steps."""
    attempt: int
    """From 0."""
    max_attempts: int | None
    """None: unknown, as the function is not registered."""
    error: Json
    wait: int
    """Milliseconds until the next attempt."""


def correlation_id(event: Event) -> str | None:
    """Return the correlation id of the invoke step that sent this event; None if none did."""
    return event.inner.get("correlation_id") if event.name == INVOKED_EVENT else None


def error_body(message: str) -> dict[str, Json]:
    """Return the memo of a failure without a name, in the server's form."""
    return {"error": {"error": message, "name": "Error", "message": message}}


def server_error(name: str, message: str) -> dict[str, Json]:
    """Return the memo of a failure that the engine declares, in the server's form."""
    return {"error": {"error": f"{name}: {message}", "name": name, "message": message}}
