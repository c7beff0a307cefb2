"""Subscribe to topics over server-sent events.

A connection lasts for 15 minutes at most, and its token is valid for a minute, so a subscription
opens one connection after another. Messages published in between are lost, as are those published
while there is no subscriber.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import quote

from inngest._internal.api.access import Access
from inngest._internal.api.realtime import create_token
from inngest._internal.errors import Error, RealtimeError, with_cause
from inngest._internal.flow import Effect, FetchError, Flow, Pause, Request
from inngest._internal.protocol.event_stream import EventStream

QUIET_SECONDS: Final = 75.0
"""The longest silence on a connection: servers send keep-alives every 30 seconds."""
LONGEST_PAUSE: Final = 30.0
"""The longest pause, in seconds, before a connection is retried."""

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d:\d\d))?", re.ASCII
)

logger = logging.getLogger("inngest")

Kind = Literal["data", "datastream-start", "chunk", "datastream-end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A published message.

    A ``kind`` of ``data`` is a complete message. A streamed text begins with a
    ``datastream-start`` and ends with a ``datastream-end``; each ``chunk`` in between has a
    part of the text as its ``data``. All have the same ``stream_id``.
    """

    kind: Kind
    channel: str
    topic: str
    data: object
    created_at: datetime.datetime | None = None
    run_id: str | None = None
    metadata: object = None
    stream_id: str | None = None


@dataclass(frozen=True, slots=True)
class Open(Effect):
    """Open a streaming response. Outcome: its status, or :class:`FetchError`."""

    request: Request
    quiet: float
    """The maximum number of seconds without a byte."""


@dataclass(frozen=True, slots=True)
class Read(Effect):
    """Read the next chunk of the open response. Outcome: bytes, or ``None`` at its end."""


@dataclass(frozen=True, slots=True)
class Ready(Effect):
    """The subscription is active: later messages will be received. Outcome: ``None``."""


@dataclass(frozen=True, slots=True)
class Heard(Effect):
    """A message was received. Outcome: ``None``."""

    message: Message


def listen(
    access: Access, channel: str, topics: Sequence[str], *, jitter: Callable[[], float]
) -> Flow[Error]:
    """Yield the messages as effects; return the error that ends the subscription.

    :param jitter: returns a factor for pauses, between 0 and 1.
    """
    failures = 0
    was_ready = False
    while True:
        outcome = yield from _connect(access, channel, topics)
        if outcome is None:
            was_ready, failures = True, 0
            outcome = yield from _receive()
        if isinstance(outcome, Error):
            if not outcome.is_retriable or not was_ready:
                return outcome
            if not failures:
                logger.warning("a realtime subscription is interrupted: %s", outcome.message)
            failures += 1
        yield Pause(min(0.5 * 2 ** min(failures, 10), LONGEST_PAUSE) * jitter())


def _connect(access: Access, channel: str, topics: Sequence[str]) -> Flow[Error | None]:
    token = yield from create_token(access, channel, topics)
    if isinstance(token, RealtimeError):
        return token
    request = Request(
        method="GET",
        url=access.url(f"/v1/realtime/sse?token={quote(token, safe='')}"),
        headers={"accept": "text/event-stream"},
        timeout=access.timeout,
    )
    status: int | FetchError = yield Open(request, QUIET_SECONDS)
    if isinstance(status, FetchError):
        failure = RealtimeError(f"cannot connect for realtime: {type(status.cause).__name__}")
        return with_cause(failure, status.cause)
    if status != 200:
        return RealtimeError(
            f"the server refused a realtime subscription (status {status})",
            is_retriable=status >= 500,
        )
    return None


def _receive() -> Flow[Error | None]:
    """Yield the messages of one connection; return ``None`` when it ends regularly."""
    events, streams = EventStream(), dict[str, Message]()
    is_ready = False
    while True:
        chunk: bytes | FetchError | None = yield Read()
        if chunk is None:
            return None
        if isinstance(chunk, FetchError):
            return RealtimeError(f"the connection was lost: {type(chunk.cause).__name__}")
        if not is_ready:
            is_ready = True
            yield Ready()
        found = events.feed(chunk)
        if isinstance(found, Error):
            return found
        for text in found:
            message = read_message(text, streams)
            if message is not None:
                yield Heard(message)


def read_message(text: str, streams: dict[str, Message]) -> Message | None:
    """Decode a message; return ``None`` for internal messages and unknown kinds.

    :param streams: the first messages of open streams, by stream id; updated in place.
    """
    try:
        published = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(published, Mapping):
        return None
    match published.get("kind"):
        case "data" | "datastream-start" | "datastream-end" as kind:
            message = _message(cast(Kind, kind), published)
        case "chunk":
            return _chunk(published, streams)
        case _:
            return None
    if message.stream_id is not None:
        if message.kind == "datastream-start":
            streams[message.stream_id] = message
        else:
            streams.pop(message.stream_id, None)
    return message


def _message(kind: Kind, published: Mapping[str, object]) -> Message:
    data = published.get("data")
    return Message(
        kind=kind,
        channel=str(published.get("channel") or ""),
        topic=str(published.get("topic") or ""),
        data=data if kind == "data" else None,
        created_at=_instant(published.get("created_at")),
        run_id=_text(published.get("run_id")),
        metadata=published.get("metadata"),
        stream_id=None if kind == "data" else _text(data),
    )


def _chunk(published: Mapping[str, object], streams: Mapping[str, Message]) -> Message | None:
    """Make a chunk's message from its stream's first one, as it contains just the stream id."""
    stream_id = _text(published.get("stream_id"))
    start = streams.get(stream_id or "")
    return Message(
        kind="chunk",
        channel="" if start is None else start.channel,
        topic="" if start is None else start.topic,
        data=published.get("data"),
        created_at=None if start is None else start.created_at,
        run_id=None if start is None else start.run_id,
        metadata=None if start is None else start.metadata,
        stream_id=stream_id,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _instant(value: object) -> datetime.datetime | None:
    """Parse a timestamp, ignoring digits beyond microseconds."""
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    whole, digits, zone = found.groups("")
    text = f"{whole}.{digits[:6]:0<6}{zone or '+00:00'}"
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.timezone.utc)
    except (OverflowError, ValueError):
        return None


__all__ = ["Heard", "Kind", "Message", "Open", "Read", "Ready", "listen", "read_message"]
