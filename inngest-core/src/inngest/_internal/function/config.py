"""What a user declares about a function. Checked at declaration. PROTOCOL section 7."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast

import pydantic
from pydantic import Field

from inngest._internal.duration import milliseconds, to_timedelta
from inngest._internal.function.cron import cron_problem
from inngest._internal.function.times import GoTime, Time
from inngest._internal.model import BaseModel
from inngest._internal.types import JSON, Duration

DEFERRED: Final = "inngest/deferred.schedule"
"""The event by which a server calls what a run has deferred."""
_DAY = datetime.timedelta(days=1)
_JITTER = (datetime.timedelta(seconds=1), datetime.timedelta(minutes=5))


def _check_event_name(value: str) -> str:
    if not value or len(value) > 255:
        raise ValueError("an event name has 1 to 255 characters")
    return value


def _check_trigger_name(value: str) -> str:
    _check_event_name(value)
    if "*" in value[:-1] or (value.endswith("*") and value[-2:-1] not in ("/", ".")):
        raise ValueError("a wildcard stands at the end, right after a slash or a dot")
    return value


def _check_jitter(value: Any) -> Duration:
    shortest, longest = _JITTER
    if not shortest <= to_timedelta(value) <= longest:
        raise ValueError("a jitter is a duration from 1s to 5m, such as 30s")
    checked: Duration = value
    return checked


def _jitter_text(value: Duration) -> str:
    return value if isinstance(value, str) else f"{milliseconds(value)}ms"


_Jitter = Annotated[
    Duration,
    pydantic.PlainValidator(_check_jitter),
    pydantic.PlainSerializer(_jitter_text, return_type=str),
]
_EventName = Annotated[str, pydantic.AfterValidator(_check_event_name)]
_TriggerName = Annotated[str, pydantic.AfterValidator(_check_trigger_name)]


def quoted(text: str) -> str:
    """Return ``text`` as a CEL string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Batch(BaseModel):
    """Call the function once for many events.

    :param max_size: the most events in a call; at least 2.
    :param timeout: how long to wait for a full batch.
    :param key: CEL expression; events of one value share a batch.
    :param if_exp: CEL expression; events for which it is false are not batched.
    """

    max_size: int = Field(ge=2, serialization_alias="maxSize")
    timeout: GoTime | None = None
    key: str | None = None
    if_exp: str | None = Field(default=None, serialization_alias="if")


class Cancel(BaseModel):
    """Cancel runs when an event comes.

    :param event: name of the event.
    :param if_exp: CEL expression on ``event`` (first) and ``async`` (cancelling).
    :param timeout: how long after the start of a run the event still counts.
    """

    event: _EventName
    if_exp: str | None = Field(default=None, serialization_alias="if")
    timeout: Time | None = None


class Concurrency(BaseModel):
    """Limit how many steps run at the same time.

    :param key: CEL expression; each value has a limit of its own.
    :param limit: the most steps; 0 means no limit.
    :param scope: who shares the limit; ``account`` and ``env`` need a ``key``.
    """

    key: str | None = None
    limit: int = Field(ge=0)
    scope: Literal["account", "env", "fn"] | None = None

    @pydantic.field_validator("scope")
    @classmethod
    def _check_scope(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if value in ("account", "env") and not info.data.get("key"):
            raise ValueError("the scopes account and env need a key")
        return value


class Debounce(BaseModel):
    """Start a run only when events have ceased for a while.

    :param key: CEL expression; each value is debounced on its own.
    :param period: how long events must have ceased; 1 second to 7 days.
    :param timeout: start a run at the latest after this time.
    """

    key: str | None = None
    period: Time
    timeout: Time | None = None

    @pydantic.field_validator("period")
    @classmethod
    def _check_period(cls, value: Duration) -> Duration:
        if to_timedelta(value) > 7 * _DAY:
            raise ValueError("the period of a debounce is at most 7 days")
        return value


class Priority(BaseModel):
    """Order waiting runs.

    :param run: CEL expression giving the seconds that a run goes before others.
    """

    run: str = Field(min_length=1)


class RateLimit(BaseModel):
    """Skip runs above a rate.

    :param key: CEL expression; each value has a limit of its own.
    :param limit: the most runs in a period; at least 1.
    :param period: at most 24 hours.
    """

    key: str | None = None
    limit: int = Field(ge=1)
    period: Time

    @pydantic.field_validator("period")
    @classmethod
    def _check_period(cls, value: Duration) -> Duration:
        if to_timedelta(value) > _DAY:
            raise ValueError("the period of a rate limit is at most 24 hours")
        return value


class Singleton(BaseModel):
    """Have one run at a time.

    :param key: CEL expression; each value has a run of its own.
    :param mode: ``skip`` the new run, or ``cancel`` the old one.
    """

    key: str | None = None
    mode: Literal["skip", "cancel"]


class Throttle(BaseModel):
    """Delay runs above a rate.

    :param key: CEL expression; each value has a limit of its own.
    :param limit: the runs that may start in a period; at least 1.
    :param period: the length of a period.
    :param burst: how many more may start at once.
    """

    key: str | None = None
    limit: int = Field(ge=1)
    period: Time
    burst: int | None = Field(default=1, ge=0)


class Timeouts(BaseModel):
    """Cancel runs that take too long.

    :param start: the most that a run may wait before its start.
    :param finish: the most that a run may take after its start.
    """

    start: Time | None = None
    finish: Time | None = None


class _UntypedTrigger(BaseModel):
    """A trigger whose events hold JSON."""

    @property
    def data_type(self) -> type[Mapping[str, JSON]] | None:
        """The type of ``ctx.event.data`` in a function that this triggers."""
        return None

    @property
    def event_type(self) -> None:
        """What reads the event: nothing, it stays JSON."""
        return

    def to_config(self) -> TriggerCron | TriggerDeferred | TriggerEvent:
        """Return the trigger as it is registered."""
        return cast("TriggerCron | TriggerDeferred | TriggerEvent", self)


class TriggerCron(_UntypedTrigger):
    """Run on a schedule.

    :param cron: five fields, with an optional ``TZ=<zone>`` before them.
    :param jitter: spread the start over this time: ``1s`` to ``5m``.
    """

    cron: str
    jitter: _Jitter | None = None

    @pydantic.field_validator("cron")
    @classmethod
    def _check_cron(cls, value: str) -> str:
        if problem := cron_problem(value):
            raise ValueError(problem)
        return value


class TriggerDeferred(_UntypedTrigger):
    """Run when another run has ended that has deferred a call of this function."""

    def of(self, function_id: str) -> TriggerEvent:
        """Return what is registered for the function of this id.

        :param function_id: the composite id ``<app id>-<function id>``.
        """
        return TriggerEvent(
            event=DEFERRED,
            expression=f"event.data._inngest.fn_slug == {quoted(function_id)}",
        )


class TriggerEvent(_UntypedTrigger):
    """Run when an event comes.

    :param event: name of the event; may end with ``/*`` or ``.*``.
    :param expression: CEL expression on ``event`` that must hold.
    """

    event: _TriggerName
    expression: str | None = None
