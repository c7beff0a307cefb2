from __future__ import annotations

import pytest

from inngest.connect._internal.conftest import Driver, excluded, payload_of, start_answer
from inngest.connect._internal.effects import Close, Send, Start
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def test_a_gateway_that_answers_no_heartbeats_is_left(active: Driver) -> None:
    active.wait(10)
    assert active.take(Close) == []
    active.wait(10)
    (close,) = active.take(Close)
    assert (close.link, close.reason) == (1, "CONSECUTIVE_HEARTBEATS_MISSED")
    assert active.is_in(ConnectionState.RECONNECTING)
    active.wait(2)
    (start,) = active.take(Start)
    assert excluded(start) == ["g1"]


def test_a_gateway_that_answers_is_kept(active: Driver) -> None:
    for _ in range(100):
        active.receive(1, wire.GATEWAY_HEARTBEAT)
        active.wait(10)
    assert active.take(Close) == []
    assert active.machine.last_heartbeat_at == pytest.approx(active.now - 10)


def test_any_frame_counts_as_a_sign_of_life(active: Driver) -> None:
    """Its answer to a heartbeat is queued behind thousands of calls."""
    for number in range(10):
        active.call(1, f"r{number}")
        active.wait(9)
    assert active.take(Close) == []
    assert active.is_in(ConnectionState.ACTIVE)


def test_a_resumed_machine_sends_one_heartbeat(active: Driver) -> None:
    active.receive(1, wire.GATEWAY_HEARTBEAT)
    active.now += 3600
    active.do(active.machine.tick)
    assert active.kinds() == [wire.WORKER_HEARTBEAT]


@pytest.mark.parametrize("told", ["1ms", "0.0000001s"])
def test_short_heartbeat_intervals_are_limited(driver: Driver, told: str) -> None:
    """Answers could not arrive in time, and the worker would do nothing but send heartbeats."""
    link = driver.connect(terms={"heartbeat_interval": told, "extend_lease_interval": told})
    driver.call(link, "r1")
    driver.take(Send)
    for _ in range(10):
        driver.wait(0.1)
        driver.receive(link, wire.GATEWAY_HEARTBEAT)
    kinds = driver.kinds()
    assert 9 <= kinds.count(wire.WORKER_HEARTBEAT) <= 11
    assert 9 <= kinds.count(wire.WORKER_REQUEST_EXTEND_LEASE) <= 11


def test_long_heartbeat_intervals_are_limited(
    driver: Driver,
) -> None:
    link = driver.connect(terms={"heartbeat_interval": "23h"})
    driver.take(Send)
    driver.wait(181)
    assert [close.link for close in driver.take(Close)] == [link]


def test_missing_answers_do_not_count_before_worker_ready(active: Driver) -> None:
    active.call(1, "r1")
    active.do(active.machine.close)
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    active.connect("g2", "c2")
    active.take(Send)
    active.wait(100)
    assert active.take(Close) == []
    assert active.kinds(2).count(wire.WORKER_HEARTBEAT) == 10
    active.receive(2, wire.GATEWAY_HEARTBEAT)
    active.wait(31)
    assert [close.reason for close in active.take(Close)] == ["CONSECUTIVE_HEARTBEATS_MISSED"]


def test_status_messages_are_sent_if_the_gateway_requests_them(driver: Driver) -> None:
    driver.do(driver.machine.started, start_answer())
    driver.do(driver.machine.opened, 1)
    driver.receive(1, wire.GATEWAY_HELLO)
    terms = wire.GatewayConnectionReadyData(status_interval="500ms")
    driver.receive(1, wire.GATEWAY_CONNECTION_READY, terms)
    driver.call(1, "r1")
    driver.take(Send)
    driver.wait(2)
    (status,) = driver.frames()
    assert list(payload_of(status).in_flight_request_ids) == ["r1"]
    assert not payload_of(status).shutdown_requested
    driver.do(driver.machine.close)
    driver.take(Send)
    driver.wait(2)
    (status,) = driver.frames()
    assert payload_of(status).shutdown_requested


def test_nothing_is_sent_after_the_close(driver: Driver) -> None:
    driver.connect(terms={"heartbeat_interval": "10s", "status_interval": "10s"})
    driver.wait(9)
    driver.do(driver.machine.close)
    assert len(driver.take(Close)) == 1
    driver.take(Send)
    driver.wait(1.5)  # a heartbeat and a status message are due
    assert driver.kinds() == []


def test_nothing_is_sent_after_missed_heartbeats(driver: Driver) -> None:
    driver.connect(terms={"heartbeat_interval": "10s", "status_interval": "20s"})
    driver.wait(19)
    driver.take(Send)
    driver.wait(1)  # a status message is due, too
    assert [close.reason for close in driver.take(Close)] == ["CONSECUTIVE_HEARTBEATS_MISSED"]
    assert driver.kinds() == []
