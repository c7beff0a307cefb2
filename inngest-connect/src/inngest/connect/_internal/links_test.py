from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from inngest.connect._internal.conftest import Driver, excluded, payload_of
from inngest.connect._internal.effects import Close, Flush, Send, Start
from inngest.connect._internal.link import Link
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def test_an_idle_worker_connects_before_it_leaves_a_draining_gateway(active: Driver) -> None:
    active.receive(1, wire.GATEWAY_CLOSING)
    active.receive(1, wire.GATEWAY_CLOSING)
    assert len(active.take(Start)) == 1
    active.live(60)
    assert active.take(Close) == [] and active.take(Start) == []
    active.connect("g2", "c2")
    assert [close.link for close in active.take(Close)] == [1]
    active.do(active.machine.tick)
    assert active.take(Close) == []
    active.do(active.machine.closed, 1, 1000, "")
    assert active.machine.reconnects == 0
    assert "disconnected" not in [entry.event for entry in active.logged]


def test_the_loss_of_a_replaced_connection_changes_nothing(
    active: Driver,
) -> None:
    active.call(1, "r1")
    active.receive(1, wire.GATEWAY_CLOSING)
    active.connect("g2", "c2")
    active.take(Start)
    active.do(active.machine.closed, 1, 1006, "")
    assert active.is_in(ConnectionState.ACTIVE)
    (told,) = [entry for entry in active.logged if entry.event == "disconnected"]
    assert told.level == logging.INFO
    active.live(60, 2)
    assert active.take(Start) == []


def test_there_is_one_current_connection(active: Driver) -> None:
    active.connect("g2", "c2")
    assert [close.link for close in active.take(Close)] == [1]


def test_a_drain_during_a_shutdown_does_not_abandon_calls(active: Driver) -> None:
    active.call(1, "r1")
    active.do(active.machine.close)
    active.receive(1, wire.GATEWAY_CLOSING)
    active.live(60)
    assert active.take(Start) == []
    assert active.is_in(ConnectionState.CLOSING)


def reconnect_with_pending_reply(driver: Driver) -> None:
    """Reconnect a worker that has a reply waiting for its next flush."""
    driver.call(1, "r1")
    driver.do(driver.machine.closed, 1, 1006, "")
    driver.reply("r1")
    for _ in range(5):
        driver.wait(30)
        driver.take(Flush)
        driver.do(driver.machine.flush_failed, "r1", 0, "why")
    driver.take(Send)
    driver.connect("g2", "c2")


def test_pending_replies_are_delivered_before_calls_are_accepted(active: Driver) -> None:
    """A server that lost the call in an outage would otherwise have it executed again."""
    reconnect_with_pending_reply(active)
    hello, *sent = active.frames(2)
    assert payload_of(hello).worker_manual_readiness_ack
    assert [frame.kind for frame in sent] == [wire.WORKER_HEARTBEAT, wire.WORKER_REPLY]
    assert not active.is_in(ConnectionState.ACTIVE)
    active.receive(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert wire.WORKER_READY in active.kinds(2)
    assert active.is_in(ConnectionState.ACTIVE)
    active.wait(5)
    assert active.kinds(2) == [wire.WORKER_HEARTBEAT]
    active.wait(30)
    assert [close.reason for close in active.take(Close)] == ["CONSECUTIVE_HEARTBEATS_MISSED"]


def test_calls_are_accepted_in_time_despite_pending_replies(active: Driver) -> None:
    reconnect_with_pending_reply(active)
    active.wait(4)
    assert wire.WORKER_READY not in active.kinds(2)
    active.wait(2)
    assert wire.WORKER_READY in active.kinds(2)
    assert active.machine.unacknowledged == 1


@pytest.mark.parametrize("is_drained", [False, True])
def test_a_worker_that_leaves_with_pending_replies_accepts_no_calls(
    active: Driver, is_drained: bool
) -> None:
    reconnect_with_pending_reply(active)
    if is_drained:
        active.receive(2, wire.GATEWAY_CLOSING)
    else:
        active.do(active.machine.close)
    active.wait(6)
    active.receive(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert wire.WORKER_READY not in active.kinds(2)


def test_a_worker_leaves_a_draining_gateway_when_its_calls_are_finished(active: Driver) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.receive(1, wire.GATEWAY_CLOSING)
    assert active.is_in(ConnectionState.RECONNECTING)
    (start,) = active.take(Start)
    assert excluded(start) == ["g1"]
    assert active.take(Close) == []
    assert active.connect("g2", "c2") == 2
    assert active.is_in(ConnectionState.ACTIVE)
    assert wire.WORKER_REQUEST_EXTEND_LEASE in active.kinds(2)
    assert active.take(Close) == []  # its call has not finished
    active.reply("r1")
    assert active.kinds(1) == [wire.WORKER_REPLY]
    assert active.take(Close) == []
    active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    (close,) = active.take(Close)
    assert (close.link, close.code, close.reason) == (1, 1000, "WORKER_SHUTDOWN")
    active.do(active.machine.closed, 1, 1000, "WORKER_SHUTDOWN")
    assert active.is_in(ConnectionState.ACTIVE)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, ""), (1001, "connect_gateway_closing"), (1002, ""), (1003, ""), (1006, ""),
        (1007, "failed to unmarshal Protobuf"), (1008, "connect_authentication_failed"),
        (1008, "connect_worker_hello_timeout"), (1008, "connect_worker_hello_invalid_payload"),
        (1009, "MESSAGE_TOO_LARGE"), (1011, "connect_internal_error"), (1012, ""), (1013, ""),
        (4000, "anything"),
    ],
)  # fmt: skip
def test_every_close_of_a_ready_connection_leads_to_another_one(
    active: Driver, code: int, reason: str
) -> None:
    active.do(active.machine.closed, 1, code, reason)
    assert active.is_in(ConnectionState.RECONNECTING)
    assert active.machine.reconnects == 1
    active.wait(2)
    assert len(active.take(Start)) == 1
    active.connect("g2", "c2")
    assert active.is_in(ConnectionState.ACTIVE)


def test_current_is_thread_safe(active: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    links = active.machine._links
    (first,) = links

    def looked_at(link: Link) -> bool:
        # as the worker's thread may, at the same time
        links._links.setdefault(2, replace(first, id=2))
        return link.is_ready

    with monkeypatch.context() as patched:
        patched.setattr(Link, "is_current", property(looked_at))
        assert links.current is first
