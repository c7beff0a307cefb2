"""Check what an app registers. Pure: the decoded body in; functions or a refusal out.

Options that the embedded engine does not reproduce yet are refused by name, never ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inngest.dev.ids import stable_uuid
from inngest.dev.model import DISCOVERY, Function, Json, Trigger
from inngest.dev.runs import EQUALITY
from inngest.dev.strict import clean

DEFAULT_RETRIES = 4
MAX_RETRIES = 20
MAX_TRIGGERS = 10
UNSUPPORTED = ("concurrency", "throttle", "rateLimit", "idempotency", "debounce", "batchEvents",
               "priority", "singleton", "timeouts", "cancel")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    app: str
    url: str
    sdk: str
    checksum: str
    functions: list[Function]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    message: str


def read_registration(body: Json) -> Registration | Refusal:
    if not isinstance(body, dict):
        return Refusal(message="Invalid request: the body is not an object")
    fields = {str(k).lower(): v for k, v in body.items()}
    app, url, functions = fields.get("appname"), fields.get("url"), fields.get("functions")
    if app is not None and not isinstance(app, str):
        return Refusal(message="Invalid request: appName is not a string")
    if not app:
        return Refusal(message="App ID required")
    if not isinstance(url, str) or not url:
        return Refusal(message="Invalid request: url is required")
    if not isinstance(functions, list | None):
        return Refusal(message="Invalid request: functions is not a list")
    found: list[Function] = []
    for config in functions or []:
        read = _function(config, clean(app))
        if isinstance(read, Refusal):
            return read
        found.append(read)
    if len({f.id for f in found}) < len(found):
        return _invalid("two functions have the same id")
    text = json.dumps([url, functions], sort_keys=True)
    return Registration(
        app=clean(app),
        url=clean(url),
        sdk=clean(str(fields.get("sdk") or "")),
        checksum=hashlib.sha256(text.encode()).hexdigest(),
        functions=found,
    )


def _function(config: Json, app: str) -> Function | Refusal:
    if not isinstance(config, dict):
        return Refusal(message="Invalid request: a function is not an object")
    function_id, name = config.get("id"), config.get("name")
    if not isinstance(function_id, str) or not function_id:
        return _invalid("a function has no id")
    if not isinstance(name, str) or not name:
        return _invalid(f"function {function_id} has no name")
    for option in UNSUPPORTED:
        if config.get(option) not in (None, [], {}, ""):
            return _unsupported(function_id, f"the option '{option}'")
    triggers = _triggers(config.get("triggers"), function_id)
    if isinstance(triggers, Refusal):
        return triggers
    step = _step(config.get("steps"), function_id)
    if isinstance(step, Refusal):
        return step
    url, retries = step
    return Function(
        id=clean(function_id),
        uuid=stable_uuid(app, clean(function_id)),
        app=app,
        name=clean(name),
        url=url,
        max_attempts=min(retries, MAX_RETRIES) + 1,
        triggers=triggers,
    )


def _triggers(value: Json, function_id: str) -> tuple[Trigger, ...] | Refusal:
    if not isinstance(value, list | None):
        return Refusal(message="Invalid request: triggers is not a list")
    found: list[Trigger] = []
    for entry in value or []:
        if not isinstance(entry, dict):
            return Refusal(message="Invalid request: a trigger is not an object")
        if entry.get("cron") is not None:
            return _unsupported(function_id, "a cron trigger ('cron')")
        event, expression = entry.get("event"), entry.get("expression")
        if not isinstance(event, str) or not event or len(event) > 255:
            return _invalid(f"function {function_id} has a trigger without a usable event name")
        if "*" in event and not (event.count("*") == 1 and event.endswith(("/*", ".*"))):
            return _invalid(f"function {function_id}: a wildcard must end the event name: {event}")
        if not isinstance(expression, str | None):
            return Refusal(message="Invalid request: expression is not a string")
        if expression and not EQUALITY.fullmatch(expression):
            return _unsupported(function_id, f"the trigger expression '{expression}'")
        found.append(Trigger(event=event, expression=expression or None))
    if len(found) > MAX_TRIGGERS:
        return _invalid(f"function {function_id} has more than {MAX_TRIGGERS} triggers")
    if len(set(found)) < len(found):
        return _invalid(f"function {function_id} has a trigger twice")
    return tuple(found)


def _step(steps: Json, function_id: str) -> tuple[str, int] | Refusal:
    """URL and number of retries of the one step a function has."""
    step = steps.get(DISCOVERY) if isinstance(steps, dict) and len(steps) == 1 else None
    if not isinstance(step, dict) or step.get("id") != DISCOVERY:
        return _invalid(f"function {function_id} must have exactly one step, named 'step'")
    runtime, retries = step.get("runtime"), step.get("retries")
    url = runtime.get("url") if isinstance(runtime, dict) else None
    if not isinstance(runtime, dict) or runtime.get("type") not in ("http", "ws"):
        return _invalid(f"function {function_id} has no usable runtime type")
    if not isinstance(url, str) or not _is_url(url):
        return _invalid(f"function {function_id} has no usable runtime url")
    if runtime["type"] == "ws" or url.startswith("ws"):
        return _unsupported(function_id, "a connect worker (runtime 'ws')")
    attempts = retries.get("attempts") if isinstance(retries, Mapping) else None
    if attempts is None:
        return url, DEFAULT_RETRIES
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 0:
        return Refusal(message="Invalid request: retries.attempts is not a number of retries")
    return url, attempts


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https", "ws", "wss")
            and bool(parts.hostname)
            and (clean(url) == url and (parts.port or 0) >= 0)
        )
    except ValueError:
        return False


def _invalid(detail: str) -> Refusal:
    return Refusal(message=f"At least one function is invalid: {detail}")


def _unsupported(function_id: str, what: str) -> Refusal:
    return _invalid(
        f"function {function_id} uses {what}, which the embedded engine does not reproduce yet"
    )
