"""The handshake of one connection: HELLO, WORKER_CONNECT, CONNECTION_READY. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.frames import Frame, encode, name_of
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.wire import connect_pb2 as wire


class Stage(enum.Enum):
    """What the handshake waits for."""

    SOCKET = enum.auto()
    HELLO = enum.auto()
    READY = enum.auto()
    DONE = enum.auto()


@dataclass(frozen=True, slots=True)
class SendConnect:
    """Send WORKER_CONNECT."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """The handshake is complete."""

    terms: wire.GatewayConnectionReadyData


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """The gateway rejects the apps or their functions."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class GatewayClosing:
    """The gateway is draining."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The message has no effect, e.g. because it is a duplicate."""

    kind: str


Outcome = SendConnect | Ready | SyncFailed | GatewayClosing | Ignored


class Handshake:
    """The state of a handshake, advanced by ``receive``."""

    def __init__(self, identity: Identity, start: wire.StartResponse) -> None:
        self._identity, self._start = identity, start
        self.stage = Stage.SOCKET
        self.is_routable = False
        """Whether the gateway may send calls without a WORKER_READY message."""

    @property
    def is_done(self) -> bool:
        """Whether the handshake is complete."""
        return self.stage is Stage.DONE

    def opened(self) -> None:
        """Expect HELLO, as the socket is open."""
        self.stage = Stage.HELLO

    def receive(self, frame: Frame, *, is_routable: bool) -> Outcome:
        """Handle a message.

        :param is_routable: whether the gateway may send calls as soon as the handshake is
            complete; otherwise it waits for WORKER_READY.
        """
        payload = frame.payload
        match self.stage, frame.kind:
            case Stage.HELLO, wire.GATEWAY_HELLO:
                self.stage, self.is_routable = Stage.READY, is_routable
                request = self._identity.connect_request(self._start, is_routable=is_routable)
                return SendConnect(encode(wire.WORKER_CONNECT, request))
            case Stage.READY, wire.GATEWAY_CONNECTION_READY:
                assert isinstance(payload, wire.GatewayConnectionReadyData)
                self.stage = Stage.DONE
                return Ready(payload)
            case _, wire.SYNC_FAILED:
                assert isinstance(payload, wire.SystemError)
                return SyncFailed(payload.code, payload.message)
            case _, wire.GATEWAY_CLOSING:
                return GatewayClosing()
            case _:
                return Ignored(name_of(frame.kind))


FATAL_CLOSE_REASONS: Final = frozenset(
    {
        "connect_invalid_function_config",
        "connect_too_many_apps_per_connection",
        "connect_worker_hello_invalid_payload",
    }
)
"""Close reasons that mean a configuration error: retrying would not help."""
