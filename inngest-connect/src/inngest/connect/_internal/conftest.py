"""A driver for the state machine that records its effects, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from inngest.connect._internal.effects import (
    Close,
    Effect,
    Enter,
    Flush,
    Log,
    Open,
    Run,
    Send,
    Start,
    Stop,
)
from inngest.connect._internal.frames import Frame, decode, encode
from inngest.connect._internal.identity import AppIdentity, Identity
from inngest.connect._internal.machine import Machine
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

EffectT = TypeVar("EffectT", bound=Effect)
OK = CommResponse(status=200, body=b"1")


def start_answer(group: str = "g1", connection: str = "c1") -> bytes:
    return wire.StartResponse(
        connection_id=connection,
        gateway_endpoint=f"ws://{group}",
        gateway_group=group,
        session_token="token",
    ).SerializeToString()


def excluded(start: Start) -> list[str]:
    """Return the gateway groups that a start request excludes."""
    return list(wire.StartRequest.FromString(start.body).exclude_gateways)


def payload_of(frame: Frame) -> Any:
    return frame.payload


def call_of(request_id: str, *, app: str = "app") -> wire.GatewayExecutorRequestData:
    return wire.GatewayExecutorRequestData(
        request_id=request_id,
        app_name=app,
        function_slug="app-fn",
        request_payload=b"{}",
        system_trace_ctx=b'{"traceparent":"x"}',
        run_id=f"run-{request_id}",
        lease_id=f"lease-{request_id}",
    )


class Driver:
    """Drives a machine, and records its effects until they are taken."""

    def __init__(self, **options: Any) -> None:
        limit = options.pop("limit", None)
        identity = Identity(
            instance_id="i",
            apps=(AppIdentity(app_id="app", version=None, functions=b"[]"),),
            max_concurrency=limit,
        )
        options.setdefault("random", lambda: 0.5)
        options.setdefault("timing", Timing())
        self.machine = Machine(identity, **options)
        self.now = 100.0
        self.effects: list[Effect] = []
        self.state = ConnectionState.CONNECTING
        self.stopped: Stop | None = None
        self.logged: list[Log] = []

    def do(self, step: Callable[..., list[Effect]], *args: Any) -> None:
        for effect in step(self.now, *args):
            match effect:
                case Enter(state):
                    self.state = state
                case Stop():
                    self.stopped = effect
                case Log():
                    self.logged.append(effect)
                case _:
                    self.effects.append(effect)

    def is_in(self, state: ConnectionState) -> bool:
        return self.state is state

    @property
    def has_stopped(self) -> bool:
        return self.stopped is not None

    def take(self, kind: type[EffectT]) -> list[EffectT]:
        """Remove and return the recorded effects of one type."""
        found: list[EffectT] = [one for one in self.effects if isinstance(one, kind)]
        self.effects = [one for one in self.effects if not isinstance(one, kind)]
        return found

    def frames(self, link: int | None = None) -> list[Frame]:
        """Remove the frames that were sent, and return those on one connection, or on all."""
        found: list[Frame] = []
        for effect in self.take(Send):
            if link is None or effect.link == link:
                frame = decode(effect.data)
                assert isinstance(frame, Frame)
                found.append(frame)
        return found

    def kinds(self, link: int | None = None) -> list[int]:
        return [frame.kind for frame in self.frames(link)]

    def wait(self, seconds: float) -> None:
        """Advance the clock, ticking when the machine is due. Fails if that never ends."""
        until = self.now + seconds
        for _ in range(10_000):
            due = self.machine.next_due
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.do(self.machine.tick)
        else:
            raise AssertionError("the machine asks for ticks without end")
        self.now = until
        self.do(self.machine.tick)

    def live(self, seconds: int, link: int = 1) -> None:
        """Advance the clock while the gateway answers heartbeats."""
        for _ in range(seconds):
            self.wait(1)
            self.receive(link, wire.GATEWAY_HEARTBEAT)

    def receive(self, link: int, kind: Any, payload: Message | None = None) -> None:
        self.do(self.machine.received, link, encode(kind, payload))

    def connect(
        self, group: str = "g1", connection: str = "c1", terms: dict[str, Any] | None = None
    ) -> int:
        """Complete a start request and a handshake. Return the connection's id."""
        agreed = {
            "heartbeat_interval": "10s",
            "extend_lease_interval": "30s",
            "status_interval": "0s",
            **(terms or {}),
        }
        self.do(self.machine.started, start_answer(group, connection))
        (opened,) = self.take(Open)
        self.do(self.machine.opened, opened.link)
        self.receive(opened.link, wire.GATEWAY_HELLO)
        self.receive(
            opened.link,
            wire.GATEWAY_CONNECTION_READY,
            wire.GatewayConnectionReadyData(**agreed),
        )
        return opened.link

    def call(self, link: int, request_id: str, **options: Any) -> None:
        self.receive(link, wire.GATEWAY_EXECUTOR_REQUEST, call_of(request_id, **options))

    def reply(self, request_id: str, response: CommResponse = OK) -> None:
        self.do(self.machine.replied, request_id, response)


@pytest.fixture
def driver() -> Driver:
    """A worker that has requested its first gateway."""
    made = Driver()
    made.do(made.machine.start)
    return made


@pytest.fixture
def active(driver: Driver) -> Driver:
    """A worker whose connection 1 is ready."""
    assert len(driver.take(Start)) == 1
    assert driver.connect() == 1
    driver.take(Send)
    return driver


__all__ = ["Close", "Flush", "Driver", "Run", "active", "driver"]
