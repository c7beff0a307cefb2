"""Encode and decode frames. Pure: malformed input is returned as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message

from inngest.connect._internal.wire import connect_pb2 as wire

MessageT = TypeVar("MessageT", bound=Message)
SUBPROTOCOL: Final = "v0.connect.inngest.com"

_HELLO: Final = b"\x08\x00"
"""Kind 0 in explicit form. The canonical encoding is empty, and some servers drop empty frames."""

_PAYLOADS: Final[dict[int, type[Message]]] = {
    wire.WORKER_CONNECT: wire.WorkerConnectRequestData,
    wire.GATEWAY_CONNECTION_READY: wire.GatewayConnectionReadyData,
    wire.GATEWAY_EXECUTOR_REQUEST: wire.GatewayExecutorRequestData,
    wire.WORKER_REQUEST_ACK: wire.WorkerRequestAckData,
    wire.WORKER_REPLY: wire.SDKResponse,
    wire.WORKER_REPLY_ACK: wire.WorkerReplyAckData,
    wire.WORKER_REQUEST_EXTEND_LEASE: wire.WorkerRequestExtendLeaseData,
    wire.WORKER_REQUEST_EXTEND_LEASE_ACK: wire.WorkerRequestExtendLeaseAckData,
    wire.SYNC_FAILED: wire.SystemError,
    wire.WORKER_STATUS: wire.WorkerStatusData,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame. ``payload`` is ``None`` if the kind has none or is unknown."""

    kind: int
    payload: Message | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that could not be decoded. ``kind`` is ``None`` if its envelope is malformed."""

    reason: str
    kind: int | None = None


Decoded: TypeAlias = Frame | Malformed


def encode(kind: wire.GatewayMessageType, payload: Message | None = None) -> bytes:
    """Encode a frame."""
    content = b"" if payload is None else payload.SerializeToString()
    return wire.ConnectMessage(kind=kind, payload=content).SerializeToString() or _HELLO


def decode(data: bytes | str) -> Decoded:
    """Decode a frame. Never raises."""
    if isinstance(data, str):
        return Malformed("a text frame")
    envelope = parse(wire.ConnectMessage, data)
    if isinstance(envelope, Malformed):
        return envelope
    made = _PAYLOADS.get(envelope.kind)
    if made is None:
        return Frame(envelope.kind)
    payload = parse(made, envelope.payload)
    if isinstance(payload, Malformed):
        return Malformed(payload.reason, envelope.kind)
    return Frame(envelope.kind, payload)


def parse(kind: type[MessageT], data: bytes) -> MessageT | Malformed:
    """Parse a protobuf message. Never raises."""
    try:
        return kind.FromString(data)
    except (DecodeError, ValueError, RecursionError):  # ValueError: invalid UTF-8
        return Malformed(f"{kind.__name__} does not parse")


def name_of(kind: int) -> str:
    """Return the name of a kind, for logs."""
    try:
        return wire.GatewayMessageType.Name(kind)
    except ValueError:
        return str(kind)
