"""What the state machine asks its shell to do: plain values, gathered in order. Pure."""

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
    """Ask the API for a gateway. Tell ``started``, ``refused`` or ``start_failed``."""

    body: bytes
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket. Tell ``opened`` or ``closed``, and ``received`` in between."""

    link: int
    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame, after those before it.

    What ``is_large`` lets all pass that is not: heartbeats and leases must not be late for it.
    """

    link: int
    data: bytes
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """Close a socket when what was sent on it is gone. Tell ``closed``."""

    link: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """Execute a call. Tell ``replied``."""

    request: wire.GatewayExecutorRequestData


@dataclass(frozen=True, slots=True)
class Flush:
    """Deliver a reply over HTTP. Tell ``flushed`` or ``flush_failed``."""

    request_id: str
    body: bytes
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Enter:
    """The worker is in another state now."""

    state: ConnectionState


@dataclass(frozen=True, slots=True)
class Log:
    """Something that an operator may want to know. ``fields`` hold no secret and no payload."""

    event: str
    level: int = logging.INFO
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """The worker has ended. ``error`` says why, if nobody asked for it."""

    error: ConnectError | None = None


Effect: TypeAlias = Start | Open | Send | Close | Run | Flush | Enter | Log | Stop


class Effects:
    """What the parts of the machine have asked for, and the shell has yet to take."""

    def __init__(self) -> None:
        self._asked: list[Effect] = []

    def add(self, effect: Effect) -> None:
        """Ask for something."""
        self._asked.append(effect)

    def send(
        self, link: int, kind: wire.GatewayMessageType, payload: Message | None = None
    ) -> None:
        """Ask for a message to be sent on a connection."""
        self._asked.append(Send(link, encode(kind, payload)))

    def log(self, event: str, level: int = logging.INFO, /, **fields: object) -> None:
        """Ask for a line of the log."""
        self._asked.append(Log(event, level, fields))

    def take(self) -> list[Effect]:
        """All of it, once."""
        taken, self._asked = self._asked, []
        return taken
