"""The options of a function: how it is started, limited and cancelled. Pure.

Configuration in, values out; durations are in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inngest.dev._internal.expressions.cel import BadExpression, compiled
from inngest.dev._internal.model.durations import DAY, HOUR, SECOND, YEAR, parse_duration
from inngest.dev._internal.model.strict import clean
from inngest.dev._internal.model.values import Json

MAX_CONCURRENCY_LIMITS = 2
MAX_CANCELLATIONS = 5
_GO_DURATION = re.compile(r"[0-9.]+(ns|us|µs|ms|s|m|h)([0-9.]+(ns|us|µs|ms|s|m|h))*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    size: int
    timeout: int
    key: str | None
    condition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debounce:
    period: int
    key: str | None
    timeout: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    limit: int
    period: int
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    limit: int
    period: int
    burst: int
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    limit: int
    key: str | None
    scope: Literal["fn", "env", "account"]
    whole_runs: bool
    """Whether it limits runs, from first call to end, rather than calls under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Singleton:
    mode: Literal["skip", "cancel"]
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    event: str
    condition: str | None
    timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    batch: Batch | None = None
    cancel: tuple[Cancellation, ...] = ()
    concurrency: tuple[Concurrency, ...] = ()
    debounce: Debounce | None = None
    finish_timeout: int | None = None
    priority: str | None = None
    rate_limit: RateLimit | None = None
    singleton: Singleton | None = None
    start_timeout: int | None = None
    throttle: Throttle | None = None
    source: Mapping[str, Json] = field(default_factory=dict, compare=False)
    """The configuration this was read from, which the store keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadOption:
    detail: str
    malformed: bool = False
    """Whether the server's decoder fails on it, before any function is validated."""


class _BadError(Exception):
    def __init__(self, detail: str, *, malformed: bool = False) -> None:
        super().__init__(detail)
        self.malformed = malformed


def read_options(config: Mapping[str, Json]) -> Options | BadOption:
    source = {name: config[name] for name in _READERS if config.get(name) not in (None, [], {}, "")}
    read: dict[str, Any] = {}
    try:
        for name, value in source.items():
            read |= _READERS[name](value)
        if read.get("batch") is not None:
            for name in ("cancel", "debounce", "singleton", "priority"):
                if read.get(name):
                    raise _BadError(f"batchEvents cannot be combined with {name}")
    except _BadError as bad:
        return BadOption(detail=str(bad), malformed=bad.malformed)
    return Options(**read, source=source)


def _batch(value: Json) -> dict[str, Any]:
    fields = _object("batchEvents", value)
    text = fields.get("timeout")
    timeout = parse_duration(text) if isinstance(text, str) and _GO_DURATION.fullmatch(text) else 0
    if timeout is None or timeout < SECOND:
        raise _BadError("batchEvents.timeout must be at least 1s, without units of days or weeks")
    size = _integer("batchEvents.maxSize", fields.get("maxSize"), 2)
    condition = _expression("batchEvents.if", fields.get("if"))
    key = _expression("batchEvents.key", fields.get("key"))
    return {"batch": Batch(size=size, timeout=timeout, key=key, condition=condition)}


def _debounce(value: Json) -> dict[str, Any]:
    fields = _object("debounce", value)
    period = _period("debounce.period", fields.get("period"), SECOND, 7 * DAY)
    timeout = fields.get("timeout")
    longest = None
    if timeout not in (None, ""):
        longest = _period("debounce.timeout", timeout, SECOND, YEAR)
    key = _expression("debounce.key", fields.get("key"))
    return {"debounce": Debounce(period=period, key=key, timeout=longest)}


def _rate_limit(value: Json) -> dict[str, Any]:
    fields = _object("rateLimit", value)
    limit = RateLimit(
        limit=_integer("rateLimit.limit", fields.get("limit"), 1),
        period=_period("rateLimit.period", fields.get("period"), SECOND, DAY),
        key=_expression("rateLimit.key", fields.get("key")),
    )
    return {"rate_limit": limit}


def _idempotency(value: Json) -> dict[str, Any]:
    """Read an idempotency key: a rate limit that replaces the configured one."""
    key = _expression("idempotency", value)
    return {"rate_limit": RateLimit(limit=1, period=24 * HOUR, key=key)}


def _throttle(value: Json) -> dict[str, Any]:
    fields = _object("throttle", value)
    throttle = Throttle(
        limit=_integer("throttle.limit", fields.get("limit"), 1),
        period=_period("throttle.period", fields.get("period"), SECOND, 7 * DAY),
        burst=_integer("throttle.burst", fields.get("burst") or 0, 0),
        key=_expression("throttle.key", fields.get("key")),
    )
    return {"throttle": throttle}


def _concurrency(value: Json) -> dict[str, Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        value = [{"limit": value}]
    runs: Json = []
    if isinstance(value, dict) and "limit" not in value:
        runs, value = value.get("fn") or [], value.get("step") or []
        if len(_list("concurrency.fn", runs)) > 1:
            raise _BadError("concurrency.fn takes one limit")
    limits = [_limit(each, False) for each in _list("concurrency", value)]
    limits += [_limit(each, True) for each in runs]
    if len([each for each in limits if not each.whole_runs]) > MAX_CONCURRENCY_LIMITS:
        raise _BadError(f"concurrency takes at most {MAX_CONCURRENCY_LIMITS} limits")
    return {"concurrency": tuple(limits)}


def _limit(value: Json, whole_runs: bool) -> Concurrency:
    fields = _object("concurrency", value)
    scope = fields.get("scope", "fn")
    if scope not in ("fn", "env", "account"):
        shown = "" if scope is None else scope
        raise _BadError(f"{shown} does not belong to ConcurrencyScope values", malformed=True)
    key = _expression("concurrency.key", fields.get("key"))
    if scope != "fn" and key is None:
        raise _BadError(f"a concurrency limit of scope '{scope}' needs a key")
    limit = _integer("concurrency.limit", fields.get("limit"), 0)
    # to the server, 0 is no limit
    return Concurrency(limit=limit or 1000, key=key, scope=scope, whole_runs=whole_runs)


def _priority(value: Json) -> dict[str, Any]:
    return {"priority": _expression("priority.run", _object("priority", value).get("run"))}


def _singleton(value: Json) -> dict[str, Any]:
    fields = _object("singleton", value)
    mode = fields.get("mode")
    if mode not in ("skip", "cancel"):
        raise _BadError(f"{mode} does not belong to SingletonMode values", malformed=True)
    key = _expression("singleton.key", fields.get("key"))
    return {"singleton": Singleton(mode=mode, key=key)}


def _timeouts(value: Json) -> dict[str, Any]:
    fields = _object("timeouts", value)
    found: dict[str, Any] = {}
    for name in ("start", "finish"):
        text = fields.get(name)
        length = parse_duration(text) if isinstance(text, str) else None
        # the server also ignores malformed ones
        found[f"{name}_timeout"] = length if length is not None and length > 0 else None
    return found


def _cancel(value: Json) -> dict[str, Any]:
    entries = _list("cancel", value)
    if len(entries) > MAX_CANCELLATIONS:
        raise _BadError(f"there are more than {MAX_CANCELLATIONS} cancellations")
    return {"cancel": tuple(_cancellation(each) for each in entries)}


def _cancellation(value: Json) -> Cancellation:
    fields = _object("cancel", value)
    event = fields.get("event")
    if not isinstance(event, str) or not event:
        raise _BadError("a cancellation has no event name")
    condition = _expression("cancel.if", fields.get("if"))
    if condition is not None:
        read = compiled(condition)
        if isinstance(read, BadExpression) or not read.simple:
            raise _BadError(
                "cancel.if may hold comparisons, logic, indexing and 'in' only, no arithmetic, "
                f"functions or macros: {condition}"
            )
    text = fields.get("timeout")
    timeout = YEAR if text in (None, "") else _period("cancel.timeout", text, 0, 366 * DAY)
    return Cancellation(event=clean(event), condition=condition, timeout=timeout)


_READERS: Mapping[str, Callable[[Json], dict[str, Any]]] = {
    "batchEvents": _batch,
    "cancel": _cancel,
    "concurrency": _concurrency,
    "debounce": _debounce,
    "priority": _priority,
    "rateLimit": _rate_limit,
    "idempotency": _idempotency,
    "singleton": _singleton,
    "throttle": _throttle,
    "timeouts": _timeouts,
}


def _object(name: str, value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise _BadError(f"{name} is not an object", malformed=True)
    return value


def _list(name: str, value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise _BadError(f"{name} is not a list", malformed=True)
    return value


def _integer(name: str, value: Json, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _BadError(f"{name} is not a whole number", malformed=True)
    if not least <= value < 2**31:
        raise _BadError(f"{name} must be at least {least}")
    return value


def _period(name: str, value: Json, shortest: int, longest: int) -> int:
    if value is not None and not isinstance(value, str):
        raise _BadError(f"{name} is not a duration", malformed=True)
    length = parse_duration(value or "")
    if length is None:
        raise _BadError(f'time: invalid duration "{value or ""}" ({name})', malformed=True)
    if not shortest <= length <= longest:
        raise _BadError(f"{name} is out of range: {value}")
    return length


def _expression(name: str, value: Json) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise _BadError(f"{name} is not an expression", malformed=True)
    text = clean(value)
    read = compiled(text)
    if isinstance(read, BadExpression):
        raise _BadError(f"{name}: {read.message}")
    return text
