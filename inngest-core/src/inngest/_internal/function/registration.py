"""Write what a server must know about one function. PROTOCOL section 7. No nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

Runtime: TypeAlias = Literal["http", "ws"]
Trigger: TypeAlias = TriggerCron | TriggerDeferred | TriggerEvent

_MOST = {"triggers": 10, "cancel": 5, "concurrency": 2}
"""A server refuses the whole app if a function has more of these."""


def function_config(
    *,
    fn_id: str,
    name: str,
    url: str,
    triggers: Sequence[Trigger],
    runtime: Runtime = "http",
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
) -> dict[str, object]:
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
    single: dict[str, BaseModel | None] = {
        "batchEvents": batch_events,
        "checkpoint": checkpointing if isinstance(checkpointing, Checkpointing) else None,
        "debounce": debounce,
        "priority": priority,
        "rateLimit": rate_limit,
        "singleton": singleton,
        "throttle": throttle,
        "timeouts": timeouts,
    }
    many: dict[str, Sequence[BaseModel] | None] = {
        "triggers": [
            trigger.of(fn_id) if isinstance(trigger, TriggerDeferred) else trigger
            for trigger in triggers
        ],
        "cancel": cancel,
        "concurrency": concurrency,
    }
    if batch_events is not None:
        _check_batch(cancel, debounce, singleton, priority)
    config: dict[str, object] = {"id": fn_id, "name": name}
    for key, model in single.items():
        if model is not None:
            config[key] = model.to_dict()
    for key, models in many.items():
        if models is not None:
            config[key] = _listed(key, models)
    if idempotency is not None:
        config["idempotency"] = idempotency
    config["steps"] = _steps(fn_id, url, runtime, retries)
    return config


def failure_config(
    *, fn_id: str, name: str, url: str, runtime: Runtime = "http"
) -> dict[str, object]:
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


def _listed(key: str, models: Sequence[BaseModel]) -> list[dict[str, object]]:
    if len(models) > _MOST[key]:
        raise FunctionConfigInvalidError(f"{key}: at most {_MOST[key]} are allowed")
    listed = [model.to_dict() for model in models]
    if key == "triggers" and any(item in listed[:index] for index, item in enumerate(listed)):
        raise FunctionConfigInvalidError("triggers: the same trigger is there twice")
    return listed


def _steps(fn_id: str, url: str, runtime: Runtime, retries: int | None) -> dict[str, object]:
    step: dict[str, object] = {
        "id": "step",
        "name": "step",
        "runtime": {"type": runtime, "url": _call_url(url, fn_id)},
    }
    if retries is not None:
        step["retries"] = {"attempts": retries}
    return {"step": step}


def _call_url(url: str, fn_id: str) -> str:
    parts = urlsplit(url)
    kept = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if pair[0] not in ("fnId", "stepId")
    ]
    query = urlencode([*kept, ("fnId", fn_id), ("stepId", "step")], quote_via=quote, safe="")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
