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
"""Those of a run are calls, what ends its steps, and its timeouts. The last three belong to
functions."""
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
    """The only function that it may start, as of a cron timer. Not stored."""

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def key(self) -> str:
        """What de-duplicates: the sender's id, else the internal one."""
        return str(self.body["id"])

    @property
    def inner(self) -> Mapping[str, Json]:
        """What the engine has put into its data, if anything: `data._inngest`."""
        data = self.body.get("data")
        inner = data.get("_inngest") if isinstance(data, dict) else None
        return inner if isinstance(inner, dict) else {}

    def wire(self) -> dict[str, Json]:
        """The event as functions get it."""
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
    """What it was started by; several in a batch."""
    status: RunStatus
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    output: Json = None
    version: int = -1
    """Of the protocol, as the app's last answer says; -1 before the first one."""
    plan_only: bool = False
    """Whether all calls from now on are to plan only: so after a group of steps in version 1."""
    steps: dict[str, Step] = field(default_factory=dict)
    """By their ids, in the order in which they were first reported."""
    stack: list[str] = field(default_factory=list)
    """The ids of the steps that have ended, in the order of their ends."""
    keys: dict[str, str] = field(default_factory=dict)
    """What the keys of its flow control evaluated to at its start, by their expressions."""
    lane: str | None = None
    """Where it takes a place from its first call to its end, if runs are limited: see `lanes`."""
    single: str | None = None
    """The value of its singleton's key, if its function is one."""
    priority: int = 0
    """Milliseconds that it is queued ahead of others."""
    defers: dict[str, Json] = field(default_factory=dict)
    """The calls that it has deferred until its end, by their ids: see `machine.deferred`."""
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
        """What calls are told of steps: the memos of ended ones, and those that pending ones have."""
        known = {step_id: self.steps[step_id].memo for step_id in self.stack}
        for step_id in self.pending:
            if self.steps[step_id].memo is not None:
                known[step_id] = self.steps[step_id].memo
        return known

    @property
    def pending(self) -> set[str]:
        """The ids of the steps that have not ended."""
        count = len(self.steps) - len(self.stack)
        # They are nearly always the latest ones. A long run is asked this at each call: it is
        # not gone through to its beginning.
        latest = (s.id for s in reversed(self.steps.values()) if s.state == "pending")
        return set(islice(latest, count))

    @property
    def has_pending(self) -> bool:
        """Whether there are steps that have not ended."""
        return len(self.steps) > len(self.stack)

    def changing(self, step_id: str) -> Step:
        """The step, to be changed. Copies of the run share steps: this one gets its own."""
        step = self.steps[step_id] = _copy(self.steps[step_id])
        return step

    @property
    def correlation_ids(self) -> list[str]:
        """The correlation ids of the invocations that wait for its end."""
        found = (correlation_id(event) for event in self.events)
        return [each for each in found if each is not None]


@dataclass(slots=True)
class Item:
    """One entry of the queue. It stays in the store until what came of it is recorded.

    Not to be changed. (Making a frozen one would take three times as long.)
    """

    job_id: str
    run_id: str
    kind: ItemKind
    step_id: str
    due: int
    attempt: int = 0
    """How many attempts have failed."""
    generation: int = 1
    """Goes up with each attempt: an answer to an earlier one is told by it."""
    current: int = 0
    """How many steps of the run had ended when this was put into the queue."""
    plan_only: bool = False
    """Whether the app may only report what it would do, and execute nothing."""
    race: bool = False
    """Whether its step is one of a race: the function is called again whenever one of them ends."""
    match: str | None = None
    """What it waits for, or whose it is: the event name of a wait, the correlation id of an
    invoke, the name of a signal, the key of a batch or debounce, the schedule of a cron timer."""
    condition: str | None = None
    """The expression that the event of a wait has to meet."""
    payload: Json = None
    """The request of a fetch, the minute of a cron timer in milliseconds."""
    function_id: str = ""
    """The function of a timer that belongs to no run."""
    priority: int = 0
    """Milliseconds that it is taken ahead of others."""
    fields: str | None = None
    """The fields of the event that the condition of a wait demands a value of (see
    `expressions.demand`); None: it demands nothing."""
    wanted: str | None = None
    """The value that it demands, as of `demanded`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one kind of flow control remembers of a function, for one value of its key.

    Of a batch, the job of its timer and the number of its events; of a debounce, the job, the
    event and when the first one came; of a rate limit or throttle, as of `gcra`, a time.
    """

    kind: GateKind
    function_id: str
    key: str
    state: Json
    """None: it is to be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """An event that a batch has collected. It is forgotten with the gate of the batch."""

    function_id: str
    key: str
    place: int
    event_id: str


@dataclass(slots=True, kw_only=True)
class Transition:
    """What one happening changes. The store applies it whole, or not at all."""

    runs: list[Run] = field(default_factory=list)
    """Runs to store. Ending one drops all of its items."""
    items: list[Item] = field(default_factory=list)
    """Items to put into the queue, each in the place of one with the same job."""
    drops: list[str] = field(default_factory=list)
    """The jobs whose items leave the queue. They do so first."""
    events: list[Event] = field(default_factory=list)
    """Events that are received next."""
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
    """What the step waits for that invoked a function by this event; None if none did."""
    return event.inner.get("correlation_id") if event.name == INVOKED_EVENT else None


def error_body(message: str) -> dict[str, Json]:
    """What is kept of a failure that has no name of its own, in the server's form."""
    return {"error": {"error": message, "name": "Error", "message": message}}


def server_error(name: str, message: str) -> dict[str, Json]:
    """What is kept of a failure that the engine itself declares, in the server's form."""
    return {"error": {"error": f"{name}: {message}", "name": name, "message": message}}
