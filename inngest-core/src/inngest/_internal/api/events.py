"""Send events, with retries that are idempotent. PROTOCOL section 13."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from pydantic_core import to_json

from inngest._internal.api.answer import parsed, problem
from inngest._internal.errors import (
    BodyInvalidError,
    EventsInvalidError,
    SendEventsError,
    with_cause,
)
from inngest._internal.event import Event, to_wires
from inngest._internal.flow import Fetch, FetchError, Flow, Pause, Request, Response
from inngest._internal.protocol.headers import EVENT_ID_SEED
from inngest._internal.sent import SendEventsResult

TRIES: Final = 5
_CHUNK: Final = 200


def send_events(
    events: Sequence[Event[Any]],
    *,
    now_ms: int,
    url: str,
    headers: Mapping[str, str],
    timeout: float,
    seed: str,
    jitter: Callable[[], float],
) -> Flow[SendEventsResult | SendEventsError]:
    """Send ``events``.

    :param now_ms: the timestamp of events without one, in milliseconds since the Unix epoch.
    :param url: ends with the event key, which errors do not show.
    :param seed: sent with every try, so that the server recognizes repeated events.
    :param jitter: returns seconds to add to a pause.
    """
    body = _encode(events, now_ms)
    if isinstance(body, SendEventsError):
        return body
    if not events:
        return SendEventsResult()
    request = Request(
        method="POST",
        url=url,
        headers={**headers, EVENT_ID_SEED: seed},
        body=body,
        timeout=timeout,
    )
    outcome: Response | FetchError = yield Fetch(request)
    for retry in range(TRIES - 1):
        if isinstance(outcome, Response) and outcome.status < 500:
            break
        yield Pause(0.1 * 2**retry + jitter())
        outcome = yield Fetch(request)
    return _result(outcome, url)


def _encode(events: Sequence[Event[Any]], now_ms: int) -> bytes | SendEventsError:
    with suppress(ValueError):  # lone surrogates, deep nesting, or values that are not JSON
        return _encode_fast(events, now_ms)
    try:
        wire = [event.to_wire(now_ms) for event in events]
        text = json.dumps(wire, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except BodyInvalidError as err:
        return EventsInvalidError(err.message)
    except (TypeError, ValueError, RecursionError) as err:
        failure = EventsInvalidError("the events contain a value that is not JSON")
        return with_cause(failure, err)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # escape lone surrogates
        return json.dumps(wire, allow_nan=False).encode("ascii")


def _encode_fast(events: Sequence[Event[Any]], now_ms: int) -> bytes:
    # In chunks, since thousands of live dictionaries slow down the garbage collector.
    parts = [
        to_json(to_wires(events[start : start + _CHUNK], now_ms))[1:-1]
        for start in range(0, len(events), _CHUNK)
    ]
    return b"[" + b",".join(parts) + b"]"


def _result(outcome: Response | FetchError, url: str) -> SendEventsResult | SendEventsError:
    if isinstance(outcome, FetchError):
        failure = SendEventsError(
            f"no response from the event API at {url.rpartition('/e/')[0]}: "
            + _without_key(f"{type(outcome.cause).__name__}: {outcome.cause}", url)
        )
        return with_cause(failure, outcome.cause)
    answer = parsed(outcome)
    fields = answer if isinstance(answer, dict) else {}
    ids = fields.get("ids")
    accepted = [item for item in ids if type(item) is str and item] if type(ids) is list else []
    if not 200 <= outcome.status < 300 or fields.get("error"):
        reason = _without_key(problem(outcome), url)
        hint = "; check INNGEST_EVENT_KEY" if outcome.status in (401, 403) else ""
        return SendEventsError(f"events were not accepted: {reason}{hint}", accepted)
    if not isinstance(ids, list):
        return SendEventsError(
            "unexpected response from the event API; "
            f"does the event API origin point to Inngest? (status {outcome.status})"
        )
    return SendEventsResult(ids=accepted)


def _without_key(text: str, url: str) -> str:
    key = url.rpartition("/e/")[2]
    return text.replace(url, "<url>").replace(key, "<key>") if len(key) > 3 else text
