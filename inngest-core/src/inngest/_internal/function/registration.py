"""A function's registration, as it is sent to the server. PROTOCOL section 7. No nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
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
from inngest._internal.function.options import FunctionOptions
from inngest._internal.model import BaseModel

_LIMITS = {"triggers": 10, "cancel": 5, "concurrency": 2}
"""The server rejects the whole app if a function exceeds one of these."""

_KINDS: Final[dict[str, type]] = {
    "batch_events": Batch,
    "cancel": Cancel,
    "concurrency": Concurrency,
    "debounce": Debounce,
    "idempotency": str,
    "priority": Priority,
    "rate_limit": RateLimit,
    "singleton": Singleton,
    "throttle": Throttle,
    "timeouts": Timeouts,
}
"""The types of options, or of the items of those that are lists."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a step is retried."""

    attempts: int


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How the server reaches a function."""

    type: Literal["http", "ws"]
    url: str


@dataclass(frozen=True, kw_only=True)
class StepConfig:
    """The single step with which a function is registered."""

    id: str = "step"
    name: str = "step"
    retries: Retries | None = None
    runtime: Runtime


@dataclass(frozen=True, kw_only=True)
class FunctionConfig:
    """The registration of a function. :meth:`to_dict` encodes it."""

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
        """Return the wire format: wire names, durations as text, no nulls."""
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
    options: FunctionOptions, *, url: str, runtime: Literal["http", "ws"] = "http"
) -> FunctionConfig:
    """Return the registration of a function.

    :param url: the URL of the app, which the server calls with ``fnId`` and ``stepId``.
    :param runtime: how the server reaches the app.
    :raises FunctionConfigInvalidError: the options are inconsistent.
    """
    fn_id = options.fully_qualified_id
    triggers = [trigger.to_config() for trigger in options.triggers]
    _check_retries(options.retries)
    _check_kinds(options)
    if options.batch_events is not None:
        _check_batch(options)
    checkpointing = options.checkpointing
    config = FunctionConfig(
        id=fn_id,
        name=options.name,
        steps=_steps(fn_id, url, runtime, options.retries),
        triggers=[
            trigger.of(fn_id) if isinstance(trigger, TriggerDeferred) else trigger
            for trigger in triggers
        ],
        batch_events=options.batch_events,
        cancel=options.cancel,
        checkpoint=checkpointing if isinstance(checkpointing, Checkpointing) else None,
        concurrency=options.concurrency,
        debounce=options.debounce,
        idempotency=options.idempotency,
        priority=options.priority,
        rate_limit=options.rate_limit,
        singleton=options.singleton,
        throttle=options.throttle,
        timeouts=options.timeouts,
    )
    _check_numbers(config)
    return config


def failure_config(
    options: FunctionOptions, *, url: str, runtime: Literal["http", "ws"] = "http"
) -> FunctionConfig:
    """Return the registration of a function's failure handler.

    :param options: the options of the function that fails.
    """
    fn_id = f"{options.fully_qualified_id}-failure"
    trigger = TriggerEvent(
        event="inngest/function.failed",
        expression=f"event.data.function_id == {quoted(options.fully_qualified_id)}",
    )
    return FunctionConfig(
        id=fn_id,
        name=f"{options.name} (failure)",
        steps=_steps(fn_id, url, runtime, 0),
        triggers=[trigger],
        cancel=[],
        concurrency=[],
    )


def _check_retries(retries: object) -> None:
    if retries is None:
        return
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise FunctionConfigInvalidError(
            "retries: must be a whole number of at least 0; the server uses at most 20"
        )


def _check_kinds(options: FunctionOptions) -> None:
    for name, kind in _KINDS.items():
        value = getattr(options, name)
        for one in value if isinstance(value, list) else [value]:
            if one is not None and not isinstance(one, kind):
                raise FunctionConfigInvalidError(
                    f"{name}: must be a {kind.__name__}, not a {type(one).__name__}"
                )
    for name in ("cancel", "concurrency"):
        value = getattr(options, name)
        if value is not None and not isinstance(value, (list, tuple)):
            raise FunctionConfigInvalidError(f"{name}: must be a list")


def _check_batch(options: FunctionOptions) -> None:
    for name in ("cancel", "debounce", "singleton", "priority"):
        if getattr(options, name):
            raise FunctionConfigInvalidError(f"batch_events: cannot be used together with {name}")


def _check_numbers(config: FunctionConfig) -> None:
    for name, most in _LIMITS.items():
        if len(getattr(config, name) or ()) > most:
            raise FunctionConfigInvalidError(f"{name}: at most {most} are allowed")
    triggers = list(config.triggers)
    if any(trigger in triggers[:index] for index, trigger in enumerate(triggers)):
        raise FunctionConfigInvalidError("triggers: contains the same trigger twice")


def _steps(
    fn_id: str, url: str, runtime: Literal["http", "ws"], retries: int | None
) -> dict[str, StepConfig]:
    step = StepConfig(
        retries=None if retries is None else Retries(attempts=retries),
        runtime=Runtime(type=runtime, url=_call_url(url, fn_id)),
    )
    return {"step": step}


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
