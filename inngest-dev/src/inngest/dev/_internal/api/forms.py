"""The forms of requests and answers, for the description of the API alone.

Requests are not validated by them: what reads a request checks it.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from inngest.dev._internal.model.values import RunStatus

T = TypeVar("T")
Limit = Annotated[int, Field(ge=1, le=1000)]
Position = Annotated[int, Field(ge=1)]
"""Below which a page begins."""
Status = RunStatus
MetadataOp = Literal["merge", "set", "delete", "add"]
EventName = Annotated[str, Field(min_length=1, max_length=255, examples=["shop/order.placed"])]


class Failure(TypedDict):
    error: str
    data: Any
    status: int


class Fetched(TypedDict):
    fetched_at: str
    cached_until: NotRequired[str]


class Envelope(TypedDict, Generic[T]):
    data: T
    metadata: Fetched


# what is sent


class Event(TypedDict):
    """One event. Fields that are not named here are dropped."""

    name: EventName
    data: NotRequired[dict[str, Any] | None]
    id: NotRequired[str]
    ts: NotRequired[int]
    user: NotRequired[dict[str, Any] | None]
    v: NotRequired[str]
    meta: NotRequired[dict[str, Any]]


class Registration(TypedDict):
    """An app and its functions. An app that registers again replaces all of them."""

    appName: str
    url: str
    functions: list[dict[str, Any]]
    sdk: NotRequired[str]
    v: NotRequired[str]
    framework: NotRequired[str]


class Sync(TypedDict):
    url: str


class Invocation(TypedDict):
    data: NotRequired[dict[str, Any] | None]
    user: NotRequired[dict[str, Any]]


class DashboardInvocation(TypedDict):
    function: str
    data: NotRequired[dict[str, Any]]


class Signal(TypedDict):
    signal: Annotated[str, Field(min_length=1)]
    data: NotRequired[Any]


class Rerun(TypedDict, total=False):
    from_step: str | None
    """The id or the name of a step: those before it are kept."""
    input: list[Any] | None
    """Arguments for that step, in the place of those of the code."""


class MetadataEntry(TypedDict):
    kind: Annotated[str, Field(pattern=r"^userland\.")]
    op: MetadataOp
    values: dict[str, Any]


class Metadata(TypedDict):
    target: dict[str, Any]
    metadata: list[MetadataEntry]


class Checkpoint(TypedDict):
    run_id: NotRequired[str]
    fn_id: NotRequired[str]
    qi_id: NotRequired[str | None]
    request_id: NotRequired[str]
    generation_id: NotRequired[int]
    request_started_at: NotRequired[int]
    ts: NotRequired[int]
    steps: list[dict[str, Any]] | None


class Topic(TypedDict):
    channel: NotRequired[str]
    name: NotRequired[str]
    env_id: NotRequired[str]
    kind: NotRequired[str]


class HTTPRequest(TypedDict):
    """What a durable endpoint was asked. The body is in Base64."""

    domain: Annotated[str, Field(pattern=r"^https?://[a-z]+$")]
    method: Annotated[str, Field(pattern=r"^[A-Za-z]+$")]
    path: Annotated[str, Field(pattern=r"^/")]
    fn: NotRequired[str | None]
    ip: NotRequired[str | None]
    content_type: NotRequired[str | None]
    query_params: NotRequired[str | None]
    body: NotRequired[Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9+/]{4})*$")] | None]


class HTTPEvent(TypedDict):
    name: Literal["inngest/http.request"]
    data: HTTPRequest
    id: NotRequired[str]
    ts: NotRequired[int]


class BegunRun(TypedDict):
    """A run that an app has begun. It chooses the id, a ULID."""

    run_id: Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    event: HTTPEvent
    steps: NotRequired[list[dict[str, Any]] | None]
    request_version: NotRequired[int]
    retries: NotRequired[Annotated[int, Field(ge=0)]]


class Steps(TypedDict):
    steps: NotRequired[list[dict[str, Any]] | None]


class Cancellation(TypedDict):
    app_id: str
    function_id: str
    started_before: str
    started_after: NotRequired[str]


class Query(TypedDict):
    query: str
    variables: NotRequired[dict[str, Any] | None]


# what is answered


class Health(TypedDict):
    status: int
    message: str


class Trigger(TypedDict):
    event: str
    expression: str | None
    cron: str | None


class InfoFunction(TypedDict):
    id: str
    slug: str
    name: str
    app: str
    url: str
    triggers: list[Trigger]


class Info(TypedDict):
    version: str
    authed: bool
    apps: list[dict[str, Any]]
    functions: list[InfoFunction]


class StoredEvent(TypedDict):
    internal_id: str
    received_at: str
    name: str
    data: dict[str, Any]
    id: str
    ts: int


class Run(TypedDict):
    run_id: str
    run_started_at: str
    function_id: str
    event_id: str
    status: Status
    ended_at: str | None
    output: NotRequired[Any]


class RunSummary(TypedDict):
    run_id: str
    function_id: str
    status: Status
    event_id: str
    event_name: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    output: Any


class History(RunSummary):
    event: dict[str, Any]
    events: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    metadata: list[dict[str, Any]]


class Export(TypedDict):
    """What `inngest.dev.testing.check_history` takes."""

    version: int
    function_id: str
    run_id: str
    status: Status
    events: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    pending: list[dict[str, Any]]


class Token(TypedDict):
    jwt: str


class Begun(TypedDict):
    fn_id: str
    app_id: str
    run_id: str
    realtime_token: str
    token: NotRequired[str]
    """Lets its holder ask for the output; only of a run that goes on without its app."""


class Job(TypedDict):
    JobID: str
    at: str
    kind: str
    attempt: int


class Started(TypedDict):
    run_id: str


class Sent(TypedDict):
    id: str
    status: int


class SentFromPage(TypedDict):
    ids: list[str]


class Synced(TypedDict):
    ok: bool
    url: str
    status: int


class AppFunction(TypedDict):
    internal_id: str
    app_id: str
    id: str
    name: str
    config: dict[str, Any]


class Answer(TypedDict):
    data: dict[str, Any] | None
    errors: NotRequired[list[dict[str, Any]]]


class Refused(TypedDict):
    error: str
