from __future__ import annotations

import pytest

from inngest.connect._internal.conftest import Driver, call_of, payload_of
from inngest.connect._internal.effects import Close, Run, Send, Start
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse


def test_a_call_is_acknowledged_executed_and_answered(active: Driver) -> None:
    active.call(1, "r1")
    (ack,) = active.frames()
    assert ack.kind == wire.WORKER_REQUEST_ACK
    assert payload_of(ack).system_trace_ctx == b'{"traceparent":"x"}'
    assert [run.request.request_id for run in active.take(Run)] == ["r1"]
    active.reply("r1", CommResponse(status=206, body=b"[]", headers={"retry-after": "3"}))
    (reply,) = active.frames()
    said = payload_of(reply)
    assert (said.status, said.body, said.retry_after) == (wire.NOT_COMPLETED, b"[]", "3")
    assert active.machine.unacknowledged == 1
    active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert active.machine.unacknowledged == 0
    assert active.machine._execution.next_due is None, "what is answered has no lease"


@pytest.mark.parametrize(("request_id", "app"), [("r1", "other"), ("", "app")])
def test_a_call_of_an_unknown_app_or_without_an_id_is_not_acknowledged(
    active: Driver, request_id: str, app: str
) -> None:
    active.call(1, request_id, app=app)
    assert active.take(Send) == [] and active.take(Run) == []


def test_a_duplicate_call_is_executed_once(active: Driver) -> None:
    active.call(1, "r1")
    active.call(1, "r1")
    assert len(active.take(Run)) == 1
    assert active.kinds() == [wire.WORKER_REQUEST_ACK] * 2
    active.reply("r1")
    active.take(Send)
    active.call(1, "r1")  # not acknowledged yet: sent again
    assert active.kinds() == [wire.WORKER_REQUEST_ACK, wire.WORKER_REPLY]
    active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    active.call(1, "r1")
    assert active.kinds() == [wire.WORKER_REQUEST_ACK]
    assert active.take(Run) == []
    assert active.machine._execution.next_due is None, "what is answered has no lease"


def test_the_concurrency_limit_is_enforced() -> None:
    driver = Driver(limit=2)
    driver.do(driver.machine.start)
    driver.connect()
    for index in range(5):
        driver.call(1, f"r{index}")
    assert [run.request.request_id for run in driver.take(Run)] == ["r0", "r1"]
    assert driver.machine.calls.waiting == 3
    driver.reply("r1")
    assert [run.request.request_id for run in driver.take(Run)] == ["r2"]
    assert driver.machine.calls.running == 2


def test_leases_are_extended_while_a_call_runs(active: Driver) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.live(30)
    (extend,) = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert payload_of(extend).lease_id == "lease-r1"
    answer = wire.WorkerRequestExtendLeaseAckData(request_id="r1", new_lease_id="l2")
    active.receive(1, wire.WORKER_REQUEST_EXTEND_LEASE_ACK, answer)
    active.live(30)
    extended = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert [payload_of(frame).lease_id for frame in extended] == ["l2"]


def test_a_lost_lease_is_not_extended_and_a_queued_call_is_discarded() -> None:
    driver = Driver(limit=1)
    driver.do(driver.machine.start)
    driver.connect()
    driver.call(1, "r1")
    driver.call(1, "r2")
    driver.take(Send)
    for request_id in ("r1", "r2"):
        lost = wire.WorkerRequestExtendLeaseAckData(request_id=request_id)
        driver.receive(1, wire.WORKER_REQUEST_EXTEND_LEASE_ACK, lost)
    driver.receive(1, wire.GATEWAY_HEARTBEAT)
    driver.take(Run)
    driver.reply("r1")
    assert driver.take(Run) == []
    driver.wait(15)
    assert wire.WORKER_REQUEST_EXTEND_LEASE not in driver.kinds()


def test_a_duplicate_of_a_running_call_replaces_its_lease(active: Driver) -> None:
    active.call(1, "r1")
    active.receive(
        1,
        wire.WORKER_REQUEST_EXTEND_LEASE_ACK,
        wire.WorkerRequestExtendLeaseAckData(request_id="r1"),
    )
    again = call_of("r1")
    again.lease_id = "lease-2"
    active.receive(1, wire.GATEWAY_EXECUTOR_REQUEST, again)
    assert len(active.take(Run)) == 1
    active.take(Send)
    active.live(31)
    extensions = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert [payload_of(one).lease_id for one in extensions] == ["lease-2"]


def test_a_duplicate_without_a_lease_keeps_the_old_one(active: Driver) -> None:
    active.call(1, "r1")
    again = call_of("r1")
    again.lease_id = ""
    active.receive(1, wire.GATEWAY_EXECUTOR_REQUEST, again)
    active.take(Send)
    active.live(30)
    extensions = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert [payload_of(one).lease_id for one in extensions] == ["lease-r1"]


def test_leases_are_extended_on_the_next_connection(active: Driver) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    assert len(active.take(Start)) == 1
    active.take(Send)
    active.connect("g2", "c2")
    assert wire.WORKER_REQUEST_EXTEND_LEASE in active.kinds(2)


def test_a_gateway_that_ignores_the_pause_does_not_delay_the_shutdown(active: Driver) -> None:
    """Calls sent before it received WORKER_PAUSE are executed; later ones are ignored."""
    active.call(1, "r1")
    active.take(Run)
    active.do(active.machine.close)
    active.wait(1)
    active.call(1, "crossed")
    assert len(active.take(Run)) == 1
    active.wait(2)
    active.take(Send)
    active.call(1, "late")
    assert active.take(Run) == []
    assert active.kinds(1) == []
    active.call(1, "r1")
    assert active.kinds(1) == [wire.WORKER_REQUEST_ACK], "it has this one"
    for request_id in ("r1", "crossed"):
        active.reply(request_id)
        active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id=request_id))
    assert len(active.take(Close)) == 1


@pytest.mark.parametrize("is_drained", [False, True])
def test_a_call_that_crosses_the_close_is_not_executed(active: Driver, is_drained: bool) -> None:
    """It cannot be acknowledged any more, so another worker will execute it."""
    if is_drained:
        active.receive(1, wire.GATEWAY_CLOSING)
        active.connect("g2", "c2")
    else:
        active.do(active.machine.close)
    assert [close.link for close in active.take(Close)] == [1]
    active.take(Send)
    active.call(1, "r1")
    assert active.take(Run) == []
    assert active.kinds(1) == []
    active.do(active.machine.closed, 1, 1000, "")
    assert active.has_stopped is not is_drained
