"""Parse an app's registration. Pure: the decoded body in; functions, or a refusal, out.

An option that the embedded engine cannot honour is refused by name, never ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from inngest.dev._internal.expressions.cel import BadExpression, compiled
from inngest.dev._internal.function.options import BadOption, read_options
from inngest.dev._internal.model.ids import stable_uuid
from inngest.dev._internal.model.strict import clean
from inngest.dev._internal.model.urls import is_url
from inngest.dev._internal.model.values import DISCOVERY, Function, Json, Trigger
from inngest.dev._internal.schedules.cron import read_jitter, read_schedule

DEFAULT_RETRIES = 4
MAX_RETRIES = 20
MAX_TRIGGERS = 10
_SCHEMES = ("http", "https", "ws", "wss")


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
    options = read_options(config)
    if isinstance(options, BadOption):
        if options.malformed:
            return Refusal(message=f"Invalid request: {options.detail}")
        return _invalid(f"function {function_id}: {options.detail}")
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
        options=options,
    )


def _triggers(value: Json, function_id: str) -> tuple[Trigger, ...] | Refusal:
    if not isinstance(value, list | None):
        return Refusal(message="Invalid request: triggers is not a list")
    found: list[Trigger] = []
    for entry in value or []:
        if not isinstance(entry, dict):
            return Refusal(message="Invalid request: a trigger is not an object")
        if entry.get("cron") is not None:
            trigger = _cron(entry, function_id)
        else:
            trigger = _event(entry, function_id)
        if isinstance(trigger, Refusal):
            return trigger
        found.append(trigger)
    if len(found) > MAX_TRIGGERS:
        return _invalid(f"function {function_id} has more than {MAX_TRIGGERS} triggers")
    if len(set(found)) < len(found):
        return _invalid(f"function {function_id} has a trigger twice")
    return tuple(found)


def _event(entry: Mapping[str, Json], function_id: str) -> Trigger | Refusal:
    event, expression = entry.get("event"), entry.get("expression")
    if not isinstance(event, str) or not event or len(event) > 255:
        return _invalid(f"function {function_id} has a trigger without a usable event name")
    if "*" in event and not (event.count("*") == 1 and event.endswith(("/*", ".*"))):
        return _invalid(f"function {function_id}: a wildcard must end the event name: {event}")
    if not isinstance(expression, str | None):
        return Refusal(message="Invalid request: expression is not a string")
    if not expression:
        return Trigger(event=clean(event))
    read = compiled(clean(expression))
    if isinstance(read, BadExpression):
        return _invalid(f"function {function_id}: {read.message}")
    return Trigger(event=clean(event), expression=read.text)


def _cron(entry: Mapping[str, Json], function_id: str) -> Trigger | Refusal:
    cron, jitter = entry["cron"], entry.get("jitter") or None
    if not isinstance(cron, str) or not isinstance(jitter, str | None):
        return Refusal(message="Invalid request: cron is not a string")
    if read_schedule(cron) is None:
        return _invalid(
            f"function {function_id}: '{cron}' is not a cron schedule of five fields, with an "
            "optional time zone in front (TZ=Europe/Paris 0 9 * * *)"
        )
    if read_jitter(jitter) is None:
        return _invalid(f"function {function_id}: the jitter must be 1s to 5m, not {jitter}")
    return Trigger(cron=cron, jitter=jitter)


def _step(steps: Json, function_id: str) -> tuple[str, int] | Refusal:
    """Return the URL and number of retries of the one step that a function registers."""
    step = steps.get(DISCOVERY) if isinstance(steps, dict) and len(steps) == 1 else None
    if not isinstance(step, dict) or step.get("id") != DISCOVERY:
        return _invalid(f"function {function_id} must have exactly one step, named 'step'")
    if not isinstance(step.get("name"), str) or not step["name"]:
        return _invalid(f"the step of function {function_id} has no name")
    runtime, retries = step.get("runtime"), step.get("retries")
    url = runtime.get("url") if isinstance(runtime, dict) else None
    if not isinstance(runtime, dict) or runtime.get("type") not in ("http", "ws"):
        return _invalid(f"function {function_id} has no usable runtime type")
    if not isinstance(url, str) or not is_url(url, _SCHEMES) or clean(url) != url:
        return _invalid(f"function {function_id} has no usable runtime url")
    attempts = retries.get("attempts") if isinstance(retries, Mapping) else None
    if attempts is None:
        return url, DEFAULT_RETRIES
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 0:
        return Refusal(message="Invalid request: retries.attempts is not a number of retries")
    return url, attempts


def _invalid(detail: str) -> Refusal:
    return Refusal(message=f"At least one function is invalid: {detail}")
