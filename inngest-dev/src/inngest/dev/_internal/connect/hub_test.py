from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from inngest.connect.protocol import Frame, decode, encode, wire
from inngest.dev import DevServer
from inngest.dev._internal.connect.hub import Hub
from inngest.dev._internal.connect.session import Ended, Session
from inngest.dev._internal.model.ids import request_id
from inngest.dev._internal.protocol.answer import Returned, transport_error
from inngest.dev._internal.protocol.call import Call

CALL = Call(
    url="wss://connect?fnId=app-fn&stepId=step",
    headers={"traceparent": "t", "x-request-id": "q", "x-run-id": "r", "x-inngest-job-id": "j"},
    body=b"{}",
)
CALL_OF_ANOTHER_JOB = replace(CALL, headers={**CALL.headers, "x-inngest-job-id": "k"})


class Noting:
    """A socket that notes what is sent on it, and takes its time."""

    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.closed: list[tuple[int, str]] = []
        self.is_called = asyncio.Event()

    async def send(self, data: bytes) -> None:
        frame = decode(data)
        assert isinstance(frame, Frame)
        self.kinds.append(frame.kind)
        if frame.kind == wire.GATEWAY_EXECUTOR_REQUEST:
            self.is_called.set()
        await asyncio.sleep(0.01)

    async def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


def run(test: Callable[[Hub, Session, Noting], Coroutine[Any, Any, None]]) -> None:
    """With a hub that has one worker, which is ready."""

    async def main() -> None:
        hub, noting = Hub(lambda body: {}, lambda: 0, lambda *_: None), Noting()
        session = hub.enter(noting, "gw-dev")
        await session.begin()
        session.functions = {"app-fn": "app"}
        session.is_synced = session.is_ready = True
        await test(hub, session, noting)

    asyncio.run(asyncio.wait_for(main(), 60))


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_no_call_is_sent_to_a_worker_that_is_sent_away() -> None:
    async def test(hub: Hub, session: Session, noting: Noting) -> None:
        closing = asyncio.ensure_future(hub.close())
        await asyncio.sleep(0)
        calling = asyncio.ensure_future(hub.call(CALL))
        await closing
        assert noting.kinds == [wire.GATEWAY_HELLO, wire.GATEWAY_CLOSING]
        assert noting.closed == [(1001, "connect_gateway_closing")]
        assert not calling.done()  # the next start on the file makes it
        await ended(calling)

    run(test)


def test_a_call_that_nobody_has_acknowledged_is_not_lost_by_a_stop() -> None:
    async def test(hub: Hub, session: Session, noting: Noting) -> None:
        calling = asyncio.ensure_future(hub.call(CALL))
        await noting.is_called.wait()
        await hub.close()
        hub.leave(session)
        await asyncio.sleep(0.02)
        assert not calling.done()
        await ended(calling)

    run(test)


def test_a_call_does_not_fail_because_the_gateway_stops() -> None:
    async def test(hub: Hub, session: Session, noting: Noting) -> None:
        session.limit = 0
        calling = asyncio.ensure_future(hub.call(CALL))
        await asyncio.sleep(0)
        await hub.close()
        hub.leave(session)
        late = asyncio.ensure_future(hub.call(CALL_OF_ANOTHER_JOB))
        await asyncio.sleep(0.02)
        assert not (calling.done() or late.done())  # the next start on the file makes them
        await ended(calling)
        await ended(late)

    run(test)


def test_a_call_that_nobody_has_acknowledged_is_lost_with_its_connection() -> None:
    async def test(hub: Hub, session: Session, noting: Noting) -> None:
        calling = asyncio.ensure_future(hub.call(CALL))
        await noting.is_called.wait()
        hub.leave(session)
        assert await calling == transport_error(
            "the worker's connection ended before it took the call"
        )

    run(test)


def test_a_call_that_waits_for_a_worker_may_be_answered_by_an_old_one() -> None:
    async def test(hub: Hub, session: Session, noting: Noting) -> None:
        session.limit = 0
        headers = {**CALL.headers, "x-request-id": request_id("j", 1, 2)}
        calling = asyncio.ensure_future(hub.call(replace(CALL, headers=headers)))
        await asyncio.sleep(0)
        before = request_id("j", 1, 1)  # of an engine that was killed
        hub.answered(wire.SDKResponse(request_id=before, status=wire.DONE, body=b'"done"'))
        hub.answered(wire.SDKResponse(request_id=before, status=wire.ERROR, body=b'"late"'))
        answer = await calling
        assert isinstance(answer, Returned) and answer.output == "done"
        assert noting.kinds == [wire.GATEWAY_HELLO]

    run(test)


def test_small_packets_are_sent_at_once() -> None:
    """Else a call waits for the acknowledgement of what was sent before it."""
    with DevServer(port=0) as server:
        address = "127.0.0.1", int(server.origin.rpartition(":")[2])

        async def accepted() -> list[int]:
            assert server._server is not None
            found: list[Any] = []
            while not found:
                await asyncio.sleep(0.005)
                found = list(server._server.server_state.connections)
            option = socket.IPPROTO_TCP, socket.TCP_NODELAY
            sockets = [each.transport.get_extra_info("socket") for each in found]
            return [each.getsockopt(*option) for each in sockets]

        with socket.create_connection(address, timeout=60):
            options = server._do(accepted(), 60)
    assert options
    assert all(options)


@pytest.mark.parametrize("functions", [b'[{"id": NaN}]', b"[1e999]", b"[" * 300 + b"]" * 300])
def test_what_http_refuses_as_a_registration_a_worker_cannot_bring(functions: bytes) -> None:
    taken: list[Any] = []

    def register(body: Any) -> dict[str, Any]:
        taken.append(body)
        return {}

    async def test() -> None:
        hub, noting = Hub(register, lambda: 0, lambda *_: None), Noting()
        session = hub.enter(noting, "gw-dev")
        hello = wire.WorkerConnectRequestData(
            connection_id="c",
            instance_id="i",
            auth_data=wire.AuthData(
                session_token=hub.start(wire.StartRequest(), "ws://x").session_token
            ),
            apps=[wire.AppConfiguration(app_name="app", functions=functions)],
        )
        with pytest.raises(Ended, match="connect_internal_error"):
            await session.receive(encode(wire.WORKER_CONNECT, hello))

    asyncio.run(asyncio.wait_for(test(), 60))
    assert taken == []


def test_half_a_character_of_a_worker_is_replaced() -> None:
    hello = wire.WorkerConnectRequestData(
        apps=[wire.AppConfiguration(app_name="app", functions=rb'[{"id": "\ud800"}]')]
    )
    taken: list[Any] = []

    def register(body: Any) -> dict[str, Any]:
        taken.append(body)
        return {}

    hub = Hub(register, lambda: 0, lambda *_: None)
    assert hub.sync(hello) is None
    assert taken[0]["functions"] == [{"id": "\ufffd"}]
