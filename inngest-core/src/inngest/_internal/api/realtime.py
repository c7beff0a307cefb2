"""Publish realtime messages, and create subscription tokens. PROTOCOL section 17."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from inngest._internal.api.access import Access
from inngest._internal.api.answer import parsed, problem
from inngest._internal.checks import is_text
from inngest._internal.errors import OutputUnserializableError, RealtimeError, with_cause
from inngest._internal.flow import FetchError, Flow, Response
from inngest._internal.protocol.response import dump
from inngest._internal.serialization.text import encode

MAX_MESSAGE_BYTES: Final = 512 * 1024
"""The maximum size of a message, as JSON; the server truncates larger ones."""


def publish_message(
    access: Access,
    channel: str,
    topic: str,
    data: object,
    *,
    run_id: str | None,
    metadata: object,
) -> Flow[RealtimeError | OutputUnserializableError | None]:
    """Publish a message to a topic of a channel."""
    if not is_text(channel) or not is_text(topic):
        return _misnamed("topic" if is_text(channel) else "channel")
    body = encode(data, f'the message for topic "{topic}"', advice="")
    if isinstance(body, OutputUnserializableError):
        return body
    query = {"channel": channel, "topic": topic}
    if run_id is not None:
        query["run_id"] = run_id
    if metadata is not None:
        what = f'the metadata of the message for topic "{topic}"'
        encoded = encode(metadata, what, advice="")
        if isinstance(encoded, OutputUnserializableError):
            return encoded
        query["metadata"] = encoded
    sent = body.encode("utf-8", "backslashreplace")
    if len(sent) > MAX_MESSAGE_BYTES:
        return RealtimeError(
            f'the message for topic "{topic}" has {len(sent)} bytes, more than the limit of '
            f"{MAX_MESSAGE_BYTES}",
            is_retriable=False,
        )
    outcome = yield from access.post(f"/v1/realtime/publish?{urlencode(query)}", sent)
    answer = _accepted(outcome, access, "a message was not published")
    return answer if isinstance(answer, RealtimeError) else None


def create_token(access: Access, channel: str, topics: Sequence[str]) -> Flow[str | RealtimeError]:
    """Create a token that permits to subscribe to topics of a channel."""
    if not is_text(channel):
        return _misnamed("channel")
    if isinstance(topics, str) or not topics or not all(map(is_text, topics)):
        return RealtimeError(
            "topics: must be a list of strings, none of them empty", is_retriable=False
        )
    wanted = [{"channel": channel, "name": topic, "kind": "run"} for topic in topics]
    outcome = yield from access.post("/v1/realtime/token", dump(wanted))
    answer = _accepted(outcome, access, "no subscription token was issued")
    if isinstance(answer, RealtimeError):
        return answer
    body = parsed(answer)
    token = body.get("jwt") if isinstance(body, dict) else None
    if not isinstance(token, str) or not token:
        return RealtimeError("unexpected response to the request for a subscription token")
    return token


def _misnamed(field: str) -> RealtimeError:
    return RealtimeError(f"{field}: must be a string, and not empty", is_retriable=False)


def _accepted(
    outcome: Response | FetchError, access: Access, what: str
) -> Response | RealtimeError:
    match outcome:
        case FetchError(cause):
            failure = RealtimeError(f"{what}: {access.unanswered(cause)}")
            return with_cause(failure, cause)
        case Response(status=status) if not 200 <= status < 300:
            return RealtimeError(f"{what}: {problem(outcome)}", is_retriable=status >= 500)
    return outcome


__all__ = ["MAX_MESSAGE_BYTES", "create_token", "publish_message"]
