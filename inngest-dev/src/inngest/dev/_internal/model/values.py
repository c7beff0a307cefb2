"""The values the engine works with. Plain data; times are integer milliseconds since the epoch."""

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
"""Of a run: calls, what ends its steps, and its timeouts. The last three are of a function."""
TIMEOUTS: tuple[ItemKind, ...] = ("start_timeout", "finish_timeout")
GateKind = Literal["batch", "debounce", "rate_limit", "throttle"]
RunStatus = Literal["Scheduled", "Running", "Completed", "Failed", "Cancelled"]
StepState = Literal["pending", "completed", "failed"]

DISCOVERY = "step"
"""The step id of a call that replays the function and looks for what is new."""

FAILED_EVENT = "inngest/function.failed"
FINISHED_EVENT = "inngest/function.finished"
CANCELLED_EVENT = "inngest/function.cancelled"
INVOKED_EVENT = "inngest/function.invoked"
SCHEDULED_EVENT = "inngest/scheduled.timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """An event or a cron schedule; the other one is empty."""

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
    """The only function it may start, while it is received."""

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def key(self) -> str:
        """What de-duplicates: the sender's id, else the internal one."""
        return str(self.body["id"])

    def wire(self) -> dict[str, Json]:
        """As functions see it."""
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
    """What calls are told of it once it has ended: `{"data": …}`, `{"error": {…}}`, an event, or null.

    That of a pending step is null, or `{"input": […]}` when a rerun has given it other arguments.
    """
    arguments: list[Json] | None = None
    """What its code was called with, if the app says so."""
    dirty: bool = True
    """Whether it differs from what is stored."""
    encoded: bytes | None = None
    """A cache: `"id":memo` as JSON, made for the first call after its end. All others carry it, too."""

    @property
    def output(self) -> Json:
        """What it gave; None while it is pending, and if it failed."""
        if self.state != "completed":
            return None
        is_wrapped = isinstance(self.memo, dict) and set(self.memo) == {"data"}
        return self.memo["data"] if is_wrapped else self.memo

    @property
    def error(self) -> Json:
        """What it failed with; None unless it failed."""
        return self.memo["error"] if self.state == "failed" else None


def _copy(step: Step) -> Step:
    """Like `dataclasses.replace`, in a quarter of its time."""
    copy = object.__new__(Step)
    for name in Step.__slots__:
        setattr(copy, name, getattr(step, name))
    return copy


@dataclass(kw_only=True)
class Run:
    id: str
    function_id: str
    events: tuple[Event, ...]
    """More than one in a batch."""
    status: RunStatus
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    output: Json = None
    version: int = -1
    plan_only: bool = False
    """Sticky plan-only mode of request version 1."""
    steps: dict[str, Step] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    """What the expressions of its flow control evaluated to, in the version that it began with."""
    lane: str | None = None
    """What it takes a place in from its first call to its end, if that is limited."""
    single: str | None = None
    """The value of its singleton's key, if its function is one."""
    priority: int = 0
    """Milliseconds that it is queued ahead of others."""
    defers: dict[str, Json] = field(default_factory=dict)
    """The calls it deferred until its end, by their ids."""
    response: dict[str, Json] | None = None
    """Of a durable endpoint: the status, headers and body that it ended with."""
    encoded_events: tuple[bytes, bytes] | None = None
    """A cache: its first event, and the list of all, as JSON. Made for its first call."""

    @property
    def event(self) -> Event:
        """The one that triggered it; the first of a batch."""
        return self.events[0]

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def memos(self) -> dict[str, Json]:
        """What calls are told of steps: results, and other arguments for a pending one."""
        known = {step_id: self.steps[step_id].memo for step_id in self.stack}
        for step_id in self.pending:
            if self.steps[step_id].memo is not None:
                known[step_id] = self.steps[step_id].memo
        return known

    @property
    def pending(self) -> set[str]:
        """The steps that have not ended: those that are not in the stack."""
        count = len(self.steps) - len(self.stack)
        # Those that began last, nearly always: a long run is asked at each call.
        latest = (s.id for s in reversed(self.steps.values()) if s.state == "pending")
        return set(islice(latest, count))

    @property
    def waits(self) -> bool:
        """Whether there are steps that have not ended."""
        return len(self.steps) > len(self.stack)

    def changing(self, step_id: str) -> Step:
        """A copy of a step in its place: copies of the run share it until it changes."""
        step = self.steps[step_id] = _copy(self.steps[step_id])
        return step

    @property
    def correlation_ids(self) -> list[str]:
        """Of the invocations that wait for it."""
        found = (correlation_id(event) for event in self.events)
        return [each for each in found if each is not None]


@dataclass(slots=True)
class Item:
    """One entry of the queue. It stays in the store until its work is recorded.

    Nobody changes one; not frozen, as making a frozen one costs three times as much.
    """

    job_id: str
    run_id: str
    kind: ItemKind
    step_id: str
    due: int
    attempt: int = 0
    generation: int = 1
    current: int = 0
    plan_only: bool = False
    race: bool = False
    match: str | None = None
    """Event name of a wait, correlation id of an invoke, name of a signal, key of a batch or
    debounce, schedule of a cron timer."""
    condition: str | None = None
    """Expression that the event of a wait has to meet."""
    payload: Json = None
    """The request of a fetch, the minute of a cron timer."""
    function_id: str = ""
    """Whose timer it is, when it belongs to no run."""
    priority: int = 0
    fields: str | None = None
    """What of its event the condition of a wait compares, if it can only be true of one value."""
    wanted: str | None = None
    """That value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one kind of flow control remembers of a function, for one value of its key."""

    kind: GateKind
    function_id: str
    key: str
    state: Json
    """None: there is nothing to remember any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """An event that waits in a batch. It is forgotten with the gate of the batch."""

    function_id: str
    key: str
    place: int
    event_id: str


@dataclass(slots=True, kw_only=True)
class Transition:
    """What one happening changes. The store applies it whole, or not at all."""

    runs: list[Run] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """An attempt that failed, and is made again."""

    run_id: str
    function_id: str
    step: str | None
    """The name of the step; None: the function, outside of steps."""
    attempt: int
    """From 0."""
    max_attempts: int | None
    """None: nobody knows, as the function is not registered."""
    error: Json
    wait: int
    """Milliseconds until the next attempt."""


def correlation_id(event: Event) -> str | None:
    """Of the invocation that this event is."""
    data = event.body.get("data")
    inner = data.get("_inngest") if isinstance(data, dict) else None
    if event.name != INVOKED_EVENT or not isinstance(inner, dict):
        return None
    return inner.get("correlation_id")


def error_body(message: str) -> dict[str, Json]:
    """What is kept of a failure that has no name of its own, in the server's form."""
    return {"error": {"error": message, "name": "Error", "message": message}}


def server_error(name: str, message: str) -> dict[str, Json]:
    """What is kept of a failure that the engine itself declares, in the server's form."""
    return {"error": {"error": f"{name}: {message}", "name": name, "message": message}}
