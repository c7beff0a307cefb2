"""One connection of a worker, as the gateway sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.message import Message

from inngest.connect.protocol import Frame, Malformed, decode, encode, wire
from inngest.dev._internal.connect.terms import Terms, interval
from inngest.dev._internal.model.strict import decode as decode_json

CLOSING = (1001, "connect_gateway_closing")


@dataclass(frozen=True, slots=True)
class Ended(Exception):  # noqa: N818
    """The conversation is over; this is how to close the socket."""

    code: int
    reason: str


class Socket(Protocol):
    async def send(self, data: bytes) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...


class Switch(Protocol):
    """What a session tells the hub of its worker."""

    def sync(self, hello: wire.WorkerConnectRequestData) -> wire.SystemError | None: ...

    def is_genuine(self, hello: wire.WorkerConnectRequestData) -> bool: ...

    def acknowledged(self, request_id: str) -> None: ...

    def extended(
        self, session: Session, request: wire.WorkerRequestExtendLeaseData
    ) -> str | None: ...

    def answered(self, reply: wire.SDKResponse) -> None: ...

    def changed(self) -> None: ...


@dataclass(eq=False)
class Session:
    socket: Socket
    group: str
    switch: Switch
    terms: Terms
    clock: Callable[[], float]
    connection_id: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    """The app of each function, by its id."""
    limit: int | None = None
    instance_id: str = ""
    is_synced: bool = False
    is_ready: bool = False
    is_paused: bool = False
    is_closing: bool = False
    heard_at: float = 0.0
    calls: set[str] = field(default_factory=set)
    """Calls that this worker executes."""

    @property
    def is_healthy(self) -> bool:
        silent = self.clock() - self.heard_at
        is_there = silent < self.terms.heartbeat * self.terms.stale_heartbeats
        return self.is_ready and is_there and not (self.is_paused or self.is_closing)

    @property
    def has_room(self) -> bool:
        return self.limit is None or len(self.calls) < self.limit

    async def begin(self) -> None:
        self.heard_at = self.clock()
        await self.send(wire.GATEWAY_HELLO)

    @property
    def patience(self) -> float:
        """Seconds until the connection is closed if the worker says nothing."""
        terms = self.terms
        allowed = terms.heartbeat * terms.missed_heartbeats if self.is_synced else terms.hello
        return max(self.heard_at + allowed - self.clock(), 0.001)

    async def receive(self, data: bytes | str) -> None:
        """Take a frame. :raises Ended: the socket is to be closed."""
        frame = decode(data)
        if isinstance(frame, Malformed):
            if frame.kind == wire.WORKER_CONNECT and not self.is_synced:
                raise Ended(1008, "connect_worker_hello_invalid_payload")
            raise Ended(1007, "failed to unmarshal Protobuf")
        if not self.is_synced:
            await self._introduced(frame)
            return
        await self._receive(frame)
        self.switch.changed()

    async def send(self, kind: wire.GatewayMessageType, payload: Message | None = None) -> None:
        await self.socket.send(encode(kind, payload))

    async def close(self, code: int, reason: str) -> None:
        await self.socket.close(code, reason)

    async def _introduced(self, frame: Frame) -> None:
        hello = frame.payload
        if not isinstance(hello, wire.WorkerConnectRequestData):
            raise Ended(1008, "connect_worker_hello_invalid_msg")
        if not (hello.instance_id and hello.connection_id and hello.apps):
            raise Ended(1008, "connect_worker_hello_invalid_payload")
        if len(hello.apps) > self.terms.apps:
            raise Ended(1008, "connect_too_many_apps_per_connection")
        if not self.switch.is_genuine(hello):
            raise Ended(1008, "connect_authentication_failed")
        functions = _functions(hello)
        if functions is None:
            raise Ended(1011, "connect_internal_error")
        problem = self.switch.sync(hello)
        if problem is not None:
            await self.send(wire.SYNC_FAILED, problem)
            raise Ended(1008, "")
        self.connection_id, self.instance_id = hello.connection_id, hello.instance_id
        self.functions = functions
        has_limit = hello.HasField("max_worker_concurrency")
        self.limit = hello.max_worker_concurrency if has_limit else None
        self.is_synced, self.is_ready = True, not hello.worker_manual_readiness_ack
        terms = wire.GatewayConnectionReadyData(
            heartbeat_interval=interval(self.terms.heartbeat),
            extend_lease_interval=interval(self.terms.extend_lease),
            status_interval=interval(self.terms.status),
        )
        await self.send(wire.GATEWAY_CONNECTION_READY, terms)
        self.switch.changed()

    async def _receive(self, frame: Frame) -> None:
        payload = frame.payload
        match payload:
            case wire.WorkerRequestAckData():
                self.switch.acknowledged(payload.request_id)
            case wire.WorkerRequestExtendLeaseData():
                renewed = self.switch.extended(self, payload)
                ack = wire.WorkerRequestExtendLeaseAckData(
                    request_id=payload.request_id,
                    account_id=payload.account_id,
                    env_id=payload.env_id,
                    app_id=payload.app_id,
                    function_slug=payload.function_slug,
                    new_lease_id=renewed,
                )
                await self.send(wire.WORKER_REQUEST_EXTEND_LEASE_ACK, ack)
            case wire.SDKResponse():
                self.switch.answered(payload)
                ack_data = wire.WorkerReplyAckData(request_id=payload.request_id)
                await self.send(wire.WORKER_REPLY_ACK, ack_data)
            case None if frame.kind == wire.WORKER_HEARTBEAT:
                self.heard_at = self.clock()
                if self.is_ready:
                    await self.send(wire.GATEWAY_HEARTBEAT)
            case None if frame.kind == wire.WORKER_READY:
                self.is_ready = True
            case None if frame.kind == wire.WORKER_PAUSE:
                self.is_paused = True
            case _:
                return


def _functions(hello: wire.WorkerConnectRequestData) -> dict[str, str] | None:
    """The app of each function, by its id; None when they cannot be read."""
    found: dict[str, str] = {}
    for app in hello.apps:
        try:
            configs = decode_json(app.functions)
        except ValueError:
            return None
        for config in configs if isinstance(configs, list) else []:
            if isinstance(config, dict) and isinstance(config.get("id"), str):
                found[config["id"]] = app.app_name
    return found
