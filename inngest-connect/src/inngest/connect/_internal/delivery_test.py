from __future__ import annotations

import logging

from inngest.connect._internal.conftest import Driver, payload_of
from inngest.connect._internal.delivery import MAX_CONCURRENT_FLUSHES
from inngest.connect._internal.effects import Flush, Send, Start
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def reply_without_connection(driver: Driver) -> None:
    driver.call(1, "r1")
    driver.do(driver.machine.closed, 1, 1006, "")
    driver.reply("r1")


def test_a_reply_whose_connection_is_lost_is_flushed(active: Driver) -> None:
    active.call(1, "r1")
    active.reply("r1")
    active.do(active.machine.closed, 1, 1006, "")
    (flush,) = active.take(Flush)
    assert wire.SDKResponse.FromString(flush.body).request_id == "r1"
    active.do(active.machine.flushed, "r1")
    assert active.machine.unacknowledged == 0


def test_a_reply_without_a_connection_is_flushed(active: Driver) -> None:
    reply_without_connection(active)
    assert len(active.take(Flush)) == 1


def test_a_reply_whose_acknowledgement_is_late_is_flushed(active: Driver) -> None:
    active.call(1, "r1")
    active.reply("r1")
    active.take(Send)
    active.wait(4.9)
    assert active.take(Flush) == []
    active.wait(0.2)
    assert len(active.take(Flush)) == 1


def test_a_flush_is_retried_until_it_succeeds(active: Driver) -> None:
    reply_without_connection(active)
    for _ in range(40):
        assert len(active.take(Flush)) == 1
        active.do(active.machine.flush_failed, "r1", 0, "why")
        assert active.take(Flush) == []
        active.wait(30)
    assert active.machine.unacknowledged == 1


def finish_many(driver: Driver) -> list[str]:
    """Finish many calls without a connection, and return their request ids."""
    calls = [f"r{number}" for number in range(100)]
    for request_id in calls:
        driver.call(1, request_id)
    driver.do(driver.machine.closed, 1, 1006, "")
    for request_id in calls:
        driver.reply(request_id)
    return calls


def test_a_limited_number_of_replies_is_flushed_at_a_time(active: Driver) -> None:
    calls = finish_many(active)
    under_way = active.take(Flush)
    assert len(under_way) == MAX_CONCURRENT_FLUSHES
    found: list[str] = []
    while under_way:
        flush = under_way.pop(0)
        found.append(flush.request_id)
        active.do(active.machine.flushed, flush.request_id)
        under_way += active.take(Flush)
        assert len(under_way) <= MAX_CONCURRENT_FLUSHES
    assert found == calls
    assert active.machine.unacknowledged == 0


def test_in_an_outage_one_reply_at_a_time_is_flushed_with_backoff(active: Driver) -> None:
    finish_many(active)
    under_way = active.take(Flush)
    for flush in under_way:
        active.do(active.machine.flush_failed, flush.request_id, 503, "down")
    waited: list[float] = []
    for _ in range(6):
        assert active.take(Flush) == []
        since = active.now
        while not (found := active.take(Flush)):
            assert active.machine.next_due is not None
            active.now = active.machine.next_due
            active.do(active.machine.tick)
        waited.append(active.now - since)
        (flush,) = found
        active.do(active.machine.flush_failed, flush.request_id, 503, "down")
    assert waited == [1, 2, 5, 10, 20, 20]
    active.wait(20)
    (flush,) = active.take(Flush)
    active.do(active.machine.flushed, flush.request_id)
    assert len(active.take(Flush)) == MAX_CONCURRENT_FLUSHES


def test_a_rejected_reply_does_not_delay_others(active: Driver) -> None:
    finish_many(active)
    refused = active.take(Flush)[0]
    active.do(active.machine.flush_failed, refused.request_id, 400, "malformed")
    (other,) = active.take(Flush)
    assert other.request_id != refused.request_id


def test_replies_that_wait_for_a_flush_are_sent_on_the_next_connection(active: Driver) -> None:
    calls = finish_many(active)
    under_way = {flush.request_id for flush in active.take(Flush)}
    active.connect("g2", "c2")
    sent = [payload_of(one).request_id for one in active.frames(2) if one.kind == wire.WORKER_REPLY]
    assert sent == [request_id for request_id in calls if request_id not in under_way]
    for request_id in under_way:
        active.do(active.machine.flushed, request_id)
    assert active.take(Flush) == []


def test_a_reply_that_is_acknowledged_before_its_flush_is_not_flushed(
    active: Driver,
) -> None:
    calls = [f"r{number}" for number in range(MAX_CONCURRENT_FLUSHES + 1)]
    for request_id in calls:
        active.call(1, request_id)
        active.reply(request_id)
    active.wait(5)
    assert len(active.take(Flush)) == MAX_CONCURRENT_FLUSHES
    active.receive(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id=calls[-1]))
    for request_id in calls[:-1]:
        active.do(active.machine.flushed, request_id)
    assert active.take(Flush) == []
    assert active.machine.unacknowledged == 0


def test_an_outage_is_logged_once_not_for_every_reply(active: Driver) -> None:
    finish_many(active)
    for _ in range(10):
        for flush in active.take(Flush):
            active.do(active.machine.flush_failed, flush.request_id, 503, "status 503: no")
        active.wait(30)
    told = [one for one in active.logged if one.event == "flush_failed"]
    (line,) = [one.fields for one in told if one.level >= logging.WARNING]
    assert line == {
        "request_id": "r0",
        "reason": "status 503: no",
        "retry_in": 1.0,
        "undelivered": 100,
    }
    (flush,) = active.take(Flush)
    active.do(active.machine.flushed, flush.request_id)
    (flush, *_) = active.take(Flush)
    active.do(active.machine.flush_failed, flush.request_id, 503, "again")
    assert active.logged[-1].level == logging.WARNING


def test_a_reply_that_the_server_rejects_as_malformed_is_dropped(active: Driver) -> None:
    reply_without_connection(active)
    for _ in range(5):
        assert len(active.take(Flush)) == 1
        active.do(active.machine.flush_failed, "r1", 400, "why")
        active.wait(30)
    assert active.take(Flush) == []
    assert "reply_lost" in [entry.event for entry in active.logged]


def test_an_unauthorized_flush_switches_keys() -> None:
    driver = Driver(authorizations=("Bearer a", "Bearer b"))
    driver.do(driver.machine.start)
    driver.connect()
    reply_without_connection(driver)
    assert [one.authorization for one in driver.take(Flush)] == ["Bearer a"]
    driver.do(driver.machine.flush_failed, "r1", 401, "why")
    driver.wait(2)
    assert [one.authorization for one in driver.take(Flush)] == ["Bearer b"]


def test_replies_on_a_lost_draining_connection_are_flushed(active: Driver) -> None:
    active.call(1, "r1")
    active.receive(1, wire.GATEWAY_CLOSING)
    active.reply("r1")
    active.do(active.machine.closed, 1, 1001, "connect_gateway_closing")
    assert len(active.take(Flush)) == 1
    assert len(active.take(Start)) == 1  # one connection attempt, not two
    active.connect("g2", "c2")
    active.do(active.machine.flushed, "r1")
    assert active.is_in(ConnectionState.ACTIVE)
