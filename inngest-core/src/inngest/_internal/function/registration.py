"""Write what a server must know about one function. PROTOCOL section 7. No nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.checkpointing import Checkpointing
from inngest._internal.function.config import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerCron,
    TriggerDeferred,
    TriggerEvent,
    quoted,
)
from inngest._internal.model import BaseModel

Trigger: TypeAlias = TriggerCron | TriggerDeferred | TriggerEvent

_MOST = {"triggers": 10, "cancel": 5, "concurrency": 2}
"""A server refuses the whole app if a function has more of these."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a step is tried again."""

    attempts: int


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How the server calls a function."""

    type: Literal["http", "ws"]
    url: str


@dataclass(frozen=True, kw_only=True)
class StepConfig:
    """The one step that a function consists of when it is registered."""

    id: str = "step"
    name: str = "step"
    retries: Retries | None = None
    runtime: Runtime


@dataclass(frozen=True, kw_only=True)
class FunctionConfig:
    """What a server is told about a function. :meth:`to_dict` gives its form on the wire."""

    id: str
    name: str
    steps: Mapping[str, StepConfig]
    triggers: Sequence[TriggerCron | TriggerEvent]
    batch_events: Batch | None = None
    cancel: Sequence[Cancel] | None = None
    checkpoint: Checkpointing | None = None
    concurrency: Sequence[Concurrency] | None = None
    debounce: Debounce | None = None
    idempotency: str | None = None
    priority: Priority | None = None
    rate_limit: RateLimit | None = None
    singleton: Singleton | None = None
    throttle: Throttle | None = None
    timeouts: Timeouts | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the form on the wire: wire names, durations as text, no nulls."""
        options: dict[str, BaseModel | Sequence[BaseModel] | str | None] = {
            "batchEvents": self.batch_events,
            "cancel": self.cancel,
            "checkpoint": self.checkpoint,
            "concurrency": self.concurrency,
            "debounce": self.debounce,
            "idempotency": self.idempotency,
            "priority": self.priority,
            "rateLimit": self.rate_limit,
            "singleton": self.singleton,
            "throttle": self.throttle,
            "timeouts": self.timeouts,
            "triggers": self.triggers,
        }
        config: dict[str, object] = {"id": self.id, "name": self.name}
        for key, option in options.items():
            if isinstance(option, BaseModel):
                config[key] = option.to_dict()
            elif isinstance(option, str):
                config[key] = option
            elif option is not None:
                config[key] = [one.to_dict() for one in option]
        config["steps"] = {key: _step_to_dict(step) for key, step in self.steps.items()}
        return config


def function_config(
    *,
    fn_id: str,
    name: str,
    url: str,
    triggers: Sequence[Trigger],
    runtime: Literal["http", "ws"] = "http",
    retries: int | None = None,
    batch_events: Batch | None = None,
    cancel: Sequence[Cancel] | None = None,
    checkpointing: Checkpointing | bool | None = None,
    concurrency: Sequence[Concurrency] | None = None,
    debounce: Debounce | None = None,
    idempotency: str | None = None,
    priority: Priority | None = None,
    rate_limit: RateLimit | None = None,
    singleton: Singleton | None = None,
    throttle: Throttle | None = None,
    timeouts: Timeouts | None = None,
) -> FunctionConfig:
    """Return the configuration of a function.

    :param fn_id: the composite id ``<app id>-<function id>``.
    :param url: where the app is served; the server calls it with ``fnId`` and ``stepId``.
    :param retries: attempts after the first; ``None`` leaves it to the server (4).
    :raises FunctionConfigInvalidError: the options do not go together.
    """
    _check_retries(retries)
    _check_kinds(
        {
            "batch_events": (batch_events, Batch),
            "cancel": (cancel, Cancel),
            "concurrency": (concurrency, Concurrency),
            "debounce": (debounce, Debounce),
            "idempotency": (idempotency, str),
            "priority": (priority, Priority),
            "rate_limit": (rate_limit, RateLimit),
            "singleton": (singleton, Singleton),
            "throttle": (throttle, Throttle),
            "timeouts": (timeouts, Timeouts),
        }
    )
    for option, several in (("cancel", cancel), ("concurrency", concurrency)):
        if several is not None and not isinstance(several, (list, tuple)):
            raise FunctionConfigInvalidError(f"{option}: must be a list")
    if batch_events is not None:
        _check_batch(cancel, debounce, singleton, priority)
    step = StepConfig(
        retries=None if retries is None else Retries(attempts=retries),
        runtime=Runtime(type=runtime, url=_call_url(url, fn_id)),
    )
    config = FunctionConfig(
        id=fn_id,
        name=name,
        steps={"step": step},
        triggers=[
            trigger.of(fn_id) if isinstance(trigger, TriggerDeferred) else trigger
            for trigger in triggers
        ],
        batch_events=batch_events,
        cancel=cancel,
        checkpoint=checkpointing if isinstance(checkpointing, Checkpointing) else None,
        concurrency=concurrency,
        debounce=debounce,
        idempotency=idempotency,
        priority=priority,
        rate_limit=rate_limit,
        singleton=singleton,
        throttle=throttle,
        timeouts=timeouts,
    )
    _check_numbers(config)
    return config


def failure_config(
    *, fn_id: str, name: str, url: str, runtime: Literal["http", "ws"] = "http"
) -> FunctionConfig:
    """Return the configuration of the handler for failed runs of the function ``fn_id``.

    :param fn_id: the composite id of the function that fails, not of the handler.
    :param name: the name of the function that fails.
    """
    trigger = TriggerEvent(
        event="inngest/function.failed",
        expression=f"event.data.function_id == {quoted(fn_id)}",
    )
    return function_config(
        fn_id=f"{fn_id}-failure",
        name=f"{name} (failure)",
        url=url,
        runtime=runtime,
        triggers=[trigger],
        retries=0,
        cancel=[],
        concurrency=[],
    )


def _check_retries(retries: object) -> None:
    if retries is None:
        return
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise FunctionConfigInvalidError(
            "retries: a whole number of at least 0; a server uses 20 at most"
        )


def _check_kinds(given: Mapping[str, tuple[object, type]]) -> None:
    for name, (value, kind) in given.items():
        each = value if isinstance(value, list) else [value]
        for one in each:
            if one is not None and not isinstance(one, kind):
                raise FunctionConfigInvalidError(
                    f"{name}: must be a {kind.__name__}, not a {type(one).__name__}"
                )


def _check_batch(
    cancel: Sequence[Cancel] | None,
    debounce: Debounce | None,
    singleton: Singleton | None,
    priority: Priority | None,
) -> None:
    others: Mapping[str, object] = {
        "cancel": cancel,
        "debounce": debounce,
        "singleton": singleton,
        "priority": priority,
    }
    for name, value in others.items():
        if value:
            raise FunctionConfigInvalidError(f"batch_events: cannot be used together with {name}")


def _check_numbers(config: FunctionConfig) -> None:
    for name, most in _MOST.items():
        if len(getattr(config, name) or ()) > most:
            raise FunctionConfigInvalidError(f"{name}: at most {most} are allowed")
    triggers = list(config.triggers)
    if any(trigger in triggers[:index] for index, trigger in enumerate(triggers)):
        raise FunctionConfigInvalidError("triggers: the same trigger is there twice")


def _step_to_dict(step: StepConfig) -> dict[str, object]:
    config: dict[str, object] = {
        "id": step.id,
        "name": step.name,
        "runtime": {"type": step.runtime.type, "url": step.runtime.url},
    }
    if step.retries is not None:
        config["retries"] = {"attempts": step.retries.attempts}
    return config


def _call_url(url: str, fn_id: str) -> str:
    parts = urlsplit(url)
    kept = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if pair[0] not in ("fnId", "stepId")
    ]
    query = urlencode([*kept, ("fnId", fn_id), ("stepId", "step")], quote_via=quote, safe="")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
