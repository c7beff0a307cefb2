"""How the run of a durable endpoint differs from others, and how it ends. Pure."""

from __future__ import annotations

import json
import re

from inngest.dev._internal.machine.runs import end
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Function, Item, Json, Run, Transition
from inngest.dev._internal.protocol.answer import Errored

HTTP_EVENT = "inngest/http.request"
TAKEOVER = "takeover"
"""The payload of the call that is made when an endpoint's app stops reporting."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""The valid header values. Others are dropped, as they could not be forwarded."""


def is_endpoint(function: Function | None, run: Run) -> bool:
    """Return whether the run is of a durable endpoint, which only a request starts."""
    return function is not None and not function.triggers and run.event.name == HTTP_EVENT


def is_takeover(item: Item) -> bool:
    return item.kind == "call" and item.payload == TAKEOVER


def finish(change: Transition, run: Run, data: Json, now: int) -> None:
    """End a run with the response for its client, who may have disconnected."""
    inner = data.get("data") if isinstance(data, dict) else None
    response = inner if isinstance(inner, dict) else data
    fields = response if isinstance(response, dict) else {"body": json.dumps(response)}
    status, headers, body = fields.get("status"), fields.get("headers"), fields.get("body")
    if not isinstance(status, int) or not 200 <= status <= 599:
        status = 200
    text = body if isinstance(body, str) else json.dumps(body)
    named = headers if isinstance(headers, dict) else {}
    run.response = {
        "status": status,
        "headers": {
            name.lower(): str(value)
            for name, value in named.items()
            if _NAME.fullmatch(name) and _VALUE.fullmatch(str(value))
        },
        "body": text,
    }
    output = _read(text)
    if status < 300:
        end(change, run, "Completed", now, output)
    else:
        failure = Errored(body=output, text=f"invalid status code: {status}", no_retry=True)
        end(change, run, "Failed", now, failure)


def _read(text: str) -> Json:
    try:
        return decode(text)
    except ValueError:
        return text
