"""Recordings of Connect sessions: their entries, and which fields are compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from inngest.connect.protocol import Frame, Malformed, decode

from .replay import RECORDINGS, Flat, _flat

SESSIONS: Final = (
    "connect_cloud_auth",
    "connect_drain",
    "connect_errors",
    "connect_flush",
    "connect_hand_worker",
    "connect_session",
)

START, FLUSH = "/v0/connect/start", "/v0/connect/flush"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of a recording: a request and its response, a frame, or the end of a socket."""

    index: int
    at: float
    """Seconds from the beginning."""
    is_by_worker: bool
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes
    status: int
    response: bytes
    response_body: Any

    @property
    def frame(self) -> Frame | Malformed:
        return decode(self.raw)

    @property
    def close(self) -> tuple[int, str]:
        return self.body["code"], self.body["reason"]


def entries_of(name: str) -> list[Entry]:
    """Read a recording."""
    recording = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    return [
        Entry(
            index=index,
            at=raw["t_ms"] / 1000,
            is_by_worker=raw["direction"] == "sdk->server",
            method=raw["method"],
            path=raw["path"],
            headers=raw["headers"],
            body=raw["body"],
            raw=_bytes(raw["body"]),
            status=raw["status"] or 0,
            response=_bytes(raw["response_body"]),
            response_body=raw["response_body"],
        )
        for index, raw in enumerate(recording["exchanges"])
    ]


def _bytes(body: Any) -> bytes:
    if isinstance(body, dict) and "base64" in body:
        return base64.b64decode(body["base64"])
    return b"" if body is None else json.dumps(body).encode()


def flat(message: Message | None) -> Flat:
    """Flatten a message to fields by path; nested JSON is decoded, a call's as ``body``."""
    found: Flat = {}
    for field, value in [] if message is None else message.ListFields():
        name = "body" if field.name == "request_payload" else field.name
        found |= _value(name, value)
    return found


def _value(path: str, value: Any) -> Flat:
    if isinstance(value, Message):
        return {f"{path}.{name}": item for name, item in flat(value).items()}
    if isinstance(value, bytes):
        try:
            return _flat(path, json.loads(value))
        except ValueError:
            return {path: value}
    if isinstance(value, str | int | float):
        return {path: value}
    found: Flat = {}
    for index, item in enumerate(value):
        found |= _value(f"{path}[{index}]", item)
    return found
