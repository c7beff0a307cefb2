from __future__ import annotations

from inngest.connect._internal.conftest import Driver, excluded, payload_of, start_answer
from inngest.connect._internal.effects import Close, Send, Start
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire


def test_a_shutdown_finishes_the_calls_in_flight(active: Driver) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.do(active.machine.close)
    assert active.kinds() == [wire.WORKER_PAUSE]
    assert active.is_in(ConnectionState.CLOSING)
    for _ in range(4):
        active.wait(9)
        active.receive(1, wire.GATEWAY_HEARTBEAT)
    kinds = active.kinds()
    assert wire.WORKER_HEARTBEAT in kinds and wire.WORKER_REQUEST_EXTEND_LEASE in kinds
    active.reply("r1")
    assert active.take(Close) == []
    assert not active.has_stopped
    active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    (close,) = active.take(Close)
    assert (close.code, close.reason) == (1000, "WORKER_SHUTDOWN")
    active.do(active.machine.closed, 1, 1000, "")
    assert active.stopped is not None and active.stopped.error is None
    assert active.machine.next_due is None


def test_a_worker_without_a_connection_closes_at_once(driver: Driver) -> None:
    driver.do(driver.machine.close)
    assert driver.stopped is not None and driver.stopped.error is None


def test_a_worker_that_loses_its_connection_during_a_shutdown_reconnects(
    active: Driver,
) -> None:
    active.call(1, "r1")
    active.do(active.machine.close)
    active.do(active.machine.closed, 1, 1006, "")
    assert active.is_in(ConnectionState.CLOSING)
    active.wait(2)
    (start,) = active.take(Start)
    assert excluded(start) == []
    active.take(Send)
    active.connect("g2", "c2")
    hello, *sent = active.frames(2)
    assert payload_of(hello).worker_manual_readiness_ack  # and never ready: no more calls
    assert wire.WORKER_PAUSE not in [frame.kind for frame in sent]
    assert active.is_in(ConnectionState.CLOSING)
    active.reply("r1")
    active.receive(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert [close.link for close in active.take(Close)] == [2]


def test_a_shutdown_during_a_handshake_accepts_no_calls(active: Driver) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    active.do(active.machine.started, start_answer("g2", "c2"))
    active.do(active.machine.opened, 2)
    active.receive(2, wire.GATEWAY_HELLO)
    active.take(Send)
    active.do(active.machine.close)
    assert active.kinds(2) == []
    active.receive(2, wire.GATEWAY_CONNECTION_READY, wire.GatewayConnectionReadyData())
    assert wire.WORKER_PAUSE in active.kinds(2)


def test_the_closing_handshake_has_a_timeout(active: Driver) -> None:
    active.wait(9)  # the next heartbeat would be due before the end
    active.take(Send)
    active.do(active.machine.close)
    active.do(active.machine.tick)
    active.wait(3)
    assert active.stopped is not None
    assert len(active.take(Close)) == 1
    assert active.kinds() == [wire.WORKER_PAUSE]


def test_a_shutdown_requests_no_gateway_without_calls(active: Driver) -> None:
    active.receive(1, wire.GATEWAY_CLOSING)
    active.take(Start)
    active.do(active.machine.start_failed, "status 500")
    active.do(active.machine.close)
    active.wait(60)
    assert active.take(Start) == []
    assert active.stopped is not None


def test_a_shutdown_has_a_timeout() -> None:
    driver = Driver(timing=Timing(shutdown=60))
    driver.do(driver.machine.start)
    driver.connect()
    driver.call(1, "r1")
    driver.do(driver.machine.close)
    driver.wait(61)
    assert driver.stopped is not None
    (lost,) = [entry for entry in driver.logged if entry.event == "aborted"]
    assert lost.fields["unfinished"] == ["r1"]


def test_nothing_is_done_after_the_end(active: Driver) -> None:
    active.do(active.machine.abort)
    assert active.stopped is not None
    assert [close.link for close in active.take(Close)] == [1]
    active.effects.clear()
    active.do(active.machine.started, start_answer("g2", "c2"))
    active.do(active.machine.closed, 1, 1006, "")
    active.do(active.machine.received, 1, b"\x08\x03")
    active.reply("r1")
    active.wait(1000)
    assert active.effects == []
