"""The start of one connection: hello, who we are, ready. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.frames import Frame, encode, name_of
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.wire import connect_pb2 as wire


class Stage(enum.Enum):
    """What is awaited."""

    SOCKET = enum.auto()
    HELLO = enum.auto()
    READY = enum.auto()
    DONE = enum.auto()


@dataclass(frozen=True, slots=True)
class Introduce:
    """Send this; the gateway knows who we are then."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """The connection is ready."""

    terms: wire.GatewayConnectionReadyData


@dataclass(frozen=True, slots=True)
class SyncRefused:
    """The gateway does not accept the functions."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """The gateway is going away."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that matters now, such as a message that came twice."""

    kind: str


Step = Introduce | Ready | SyncRefused | Leaving | Ignored


class Handshake:
    """Goes from stage to stage as messages come in."""

    def __init__(self, identity: Identity, start: wire.StartResponse) -> None:
        self._identity, self._start = identity, start
        self.stage = Stage.SOCKET
        self.is_routable = False
        """Whether the gateway was told that calls may come."""

    @property
    def is_done(self) -> bool:
        """Whether the connection is ready."""
        return self.stage is Stage.DONE

    def opened(self) -> None:
        """The socket is open."""
        self.stage = Stage.HELLO

    def receive(self, frame: Frame, *, is_routable: bool) -> Step:
        """Take a message.

        :param is_routable: whether the gateway may send calls as soon as it is ready.
        """
        payload = frame.payload
        match self.stage, frame.kind:
            case Stage.HELLO, wire.GATEWAY_HELLO:
                self.stage, self.is_routable = Stage.READY, is_routable
                hello = self._identity.introduce(self._start, is_routable=is_routable)
                return Introduce(encode(wire.WORKER_CONNECT, hello))
            case Stage.READY, wire.GATEWAY_CONNECTION_READY:
                assert isinstance(payload, wire.GatewayConnectionReadyData)
                self.stage = Stage.DONE
                return Ready(payload)
            case _, wire.SYNC_FAILED:
                assert isinstance(payload, wire.SystemError)
                return SyncRefused(payload.code, payload.message)
            case _, wire.GATEWAY_CLOSING:
                return Leaving()
            case _:
                return Ignored(name_of(frame.kind))


CONFIGURATION: Final = frozenset(
    {
        "connect_invalid_function_config",
        "connect_too_many_apps_per_connection",
        "connect_worker_hello_invalid_payload",
    }
)
"""Reasons of closing that no other gateway and no other day changes."""
