"""The options of a function, validated on creation. PROTOCOL section 7."""

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
"""The event that triggers deferred calls."""
_DAY = datetime.timedelta(days=1)
_JITTER = (datetime.timedelta(seconds=1), datetime.timedelta(minutes=5))


def _check_event_name(value: str) -> str:
    if not value or len(value) > 255:
        raise ValueError("an event name has 1 to 255 characters")
    return value


def _check_trigger_name(value: str) -> str:
    _check_event_name(value)
    if "*" in value[:-1] or (value.endswith("*") and value[-2:-1] not in ("/", ".")):
        raise ValueError("a wildcard must be at the end, right after a slash or a dot")
    return value


def _check_jitter(value: Any) -> Duration:
    shortest, longest = _JITTER
    if not shortest <= to_timedelta(value) <= longest:
        raise ValueError("must be a duration from 1s to 5m, such as 30s")
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
    """Return ``text`` as a CEL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Batch(BaseModel):
    """Call the function once for several events.

    :param max_size: the maximum number of events in a call, at least 2.
    :param timeout: how long to wait for a full batch.
    :param key: a CEL expression; events with the same value share a batch.
    :param if_exp: a CEL expression; events for which it is false are not batched.
    """

    max_size: int = Field(ge=2, serialization_alias="maxSize")
    timeout: GoTime | None = None
    key: str | None = None
    if_exp: str | None = Field(default=None, serialization_alias="if")


class Cancel(BaseModel):
    """Cancel a run when a matching event arrives.

    :param event: the event's name.
    :param if_exp: a CEL expression on ``event``, which triggered the run, and ``async``, which
        cancels it.
    :param timeout: how long after the start of the run the event is waited for.
    """

    event: _EventName
    if_exp: str | None = Field(default=None, serialization_alias="if")
    timeout: Time | None = None


class Concurrency(BaseModel):
    """Limit how many steps run at the same time.

    :param key: a CEL expression; each of its values has its own limit.
    :param limit: the maximum number of steps; 0 means no limit.
    :param scope: what the limit applies to; ``account`` and ``env`` require a ``key``.
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
    """Delay a run until no event has arrived for some time.

    :param key: a CEL expression; each of its values is debounced separately.
    :param period: the time without events, from 1 second to 7 days.
    :param timeout: the maximum delay.
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

    :param run: a CEL expression for the number of seconds by which a run precedes others.
    """

    run: str = Field(min_length=1)


class RateLimit(BaseModel):
    """Skip runs above a rate.

    :param key: a CEL expression; each of its values has its own limit.
    :param limit: the maximum number of runs in a period, at least 1.
    :param period: the length of the period, at most 24 hours.
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
    """Allow one run at a time.

    :param key: a CEL expression; each of its values allows one run.
    :param mode: ``skip`` the new run, or ``cancel`` the running one.
    """

    key: str | None = None
    mode: Literal["skip", "cancel"]


class Throttle(BaseModel):
    """Delay runs above a rate.

    :param key: a CEL expression; each of its values has its own limit.
    :param limit: how many runs may start in a period, at least 1.
    :param period: the length of the period.
    :param burst: how many more runs may start at once.
    """

    key: str | None = None
    limit: int = Field(ge=1)
    period: Time
    burst: int | None = Field(default=1, ge=0)


class Timeouts(BaseModel):
    """Cancel runs that take too long.

    :param start: the maximum time from being scheduled to the start of a run.
    :param finish: the maximum time from the start to the end of a run.
    """

    start: Time | None = None
    finish: Time | None = None


class _UntypedTrigger(BaseModel):
    """A trigger whose events have JSON data."""

    @property
    def data_type(self) -> type[Mapping[str, JSON]] | None:
        """The type of ``ctx.event.data`` in a function with this trigger; ``None`` means JSON."""
        return None

    @property
    def event_type(self) -> None:
        """The event type: ``None``, as the data remains JSON."""
        return

    def to_config(self) -> TriggerCron | TriggerDeferred | TriggerEvent:
        """Return the trigger, as it is registered."""
        return cast("TriggerCron | TriggerDeferred | TriggerEvent", self)


class TriggerCron(_UntypedTrigger):
    """Run on a schedule.

    :param cron: a cron expression of five fields, optionally preceded by ``TZ=<zone>``.
    :param jitter: delay each start by a random time up to this one: ``1s`` to ``5m``.
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
    """Run after another run that deferred a call of this function with ``step.defer``."""

    def of(self, function_id: str) -> TriggerEvent:
        """Return the trigger to register for a function.

        :param function_id: the function's id on the server, ``<app id>-<function id>``.
        """
        return TriggerEvent(
            event=DEFERRED,
            expression=f"event.data._inngest.fn_slug == {quoted(function_id)}",
        )


class TriggerEvent(_UntypedTrigger):
    """Run when an event arrives.

    :param event: the event's name; may end with the wildcards ``/*`` or ``.*``.
    :param expression: a CEL expression on ``event``; events for which it is false are ignored.
    """

    event: _TriggerName
    expression: str | None = None
