"""The realtime recordings, and how their tokens and messages are compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

SOCKETS: Final = "realtime"
"""A listener on a WebSocket."""
EVENT_STREAM: Final = "realtime_sse"
"""A listener to server-sent events."""
RUN_MESSAGES: Final = "realtime_run_messages"
"""A listener to the channel of a run."""
REALTIME: Final = frozenset({SOCKETS, EVENT_STREAM, RUN_MESSAGES})

MADE_ANEW: Final = frozenset({"jti", "iat", "exp"})
"""Claims that differ from one token to the next; how long a token is good does not."""


def claims(token: str) -> dict[str, Any]:
    """Return a token's claims, with its lifetime in place of its timestamps."""
    header, body, _ = token.split(".")
    assert _decoded(header) == {"alg": "HS256", "typ": "JWT"}
    found = _decoded(body)
    life = found["exp"] - found["iat"]
    return {k: v for k, v in found.items() if k not in MADE_ANEW} | {"life": life}


def _decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def told(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return messages without random ids and timestamps, and with the chunks of a stream joined.

    The recorded server split streams at arbitrary read boundaries: only the text is significant.
    """
    streams: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for message in messages:
        shown = {k: v for k, v in message.items() if k != "created_at"}
        kind = message["kind"]
        if kind != "chunk":
            assert str(message["created_at"]).endswith("Z")
        if kind.startswith("datastream"):
            shown["data"] = streams.setdefault(message["data"], len(streams))
        if kind == "chunk":
            shown["stream_id"] = streams[message["stream_id"]]
            if found[-1]["kind"] == "chunk" and found[-1]["stream_id"] == shown["stream_id"]:
                found[-1]["data"] += shown["data"]
                continue
        found.append(shown)
    return found
