"""The effects that the state machine returns for the I/O shell to perform. Pure.

Docstrings name the method of the machine to which the shell reports the outcome.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.message import Message

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.frames import encode
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


@dataclass(frozen=True, slots=True)
class Start:
    """Request a gateway from the API. Report ``started``, ``refused`` or ``start_failed``."""

    body: bytes
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket. Report ``opened`` if it opens, each frame as ``received``, then ``closed``."""

    link: int
    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame, after those sent before.

    Other frames may overtake a large one, so that it does not delay heartbeats and leases.
    """

    link: int
    data: bytes
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """Close a socket after its queued frames are sent. Report ``closed``."""

    link: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """Execute a call. Report ``replied``."""

    request: wire.GatewayExecutorRequestData


@dataclass(frozen=True, slots=True)
class Flush:
    """Deliver a reply over HTTP. Report ``flushed`` or ``flush_failed``."""

    request_id: str
    body: bytes
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Enter:
    """The worker's state has changed."""

    state: ConnectionState


@dataclass(frozen=True, slots=True)
class Log:
    """Log an event for operators. ``fields`` contain no secrets and no payloads."""

    event: str
    level: int = logging.INFO
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """The worker has ended, because of ``error`` unless it was closed or aborted."""

    error: ConnectError | None = None


Effect: TypeAlias = Start | Open | Send | Close | Run | Flush | Enter | Log | Stop


class Effects:
    """Collects effects for the shell, in order."""

    def __init__(self) -> None:
        self._asked: list[Effect] = []

    def add(self, effect: Effect) -> None:
        """Add an effect."""
        self._asked.append(effect)

    def send(
        self, link: int, kind: wire.GatewayMessageType, payload: Message | None = None
    ) -> None:
        """Encode a message and add an effect that sends it."""
        self._asked.append(Send(link, encode(kind, payload)))

    def log(self, event: str, level: int = logging.INFO, /, **fields: object) -> None:
        """Add a log entry."""
        self._asked.append(Log(event, level, fields))

    def take(self) -> list[Effect]:
        """Remove and return all effects."""
        taken, self._asked = self._asked, []
        return taken
