from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from typing import Any

import pytest

from inngest.connect._internal.conftest import Paper, call_of, start_answer
from inngest.connect._internal.delivery import MOST_FLUSHES
from inngest.connect._internal.effects import Close, Flush, Open, Run, Send, Start
from inngest.connect._internal.errors import ConnectAuthenticationError, ConnectRefusedError
from inngest.connect._internal.frames import Frame
from inngest.connect._internal.link import Link
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse


def payload_of(frame: Frame) -> Any:
    return frame.payload


def excluded(start: Start) -> list[str]:
    return list(wire.StartRequest.FromString(start.body).exclude_gateways)


# handshake


def test_a_worker_introduces_itself_and_beats_at_once(paper: Paper) -> None:
    paper.take(Start)
    assert paper.connect() == 1
    hello, beat = paper.frames()
    assert hello.kind == wire.WORKER_CONNECT and beat.kind == wire.WORKER_HEARTBEAT
    said = payload_of(hello)
    assert (said.connection_id, said.instance_id) == ("c1", "i")
    assert said.auth_data.session_token == "token"
    assert not said.worker_manual_readiness_ack
    assert [app.app_name for app in said.apps] == ["app"]
    assert paper.is_in(ConnectionState.ACTIVE)


def test_a_handshake_that_takes_too_long_is_tried_elsewhere(paper: Paper) -> None:
    paper.take(Start)
    paper.do(paper.machine.started, start_answer("g1"))
    paper.wait(11)
    assert [close.link for close in paper.take(Close)] == [1]
    (again,) = paper.take(Start)
    assert excluded(again) == ["g1"]
    assert paper.is_in(ConnectionState.CONNECTING)


def test_what_does_not_belong_to_a_handshake_is_ignored(paper: Paper) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.opened, 1)
    for kind in (wire.GATEWAY_HEARTBEAT, wire.WORKER_PAUSE, 99):
        paper.hear(1, kind)
    assert paper.take(Close) == []


@pytest.mark.parametrize(
    "reason",
    ["connect_worker_hello_invalid_payload", "connect_too_many_apps_per_connection"],
)
def test_a_wrong_configuration_is_fatal(paper: Paper, reason: str) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.closed, 1, 1008, reason)
    assert paper.stopped is not None and isinstance(paper.stopped.error, ConnectRefusedError)
    assert reason in str(paper.stopped.error)


def test_functions_that_are_refused_are_fatal_at_first(paper: Paper) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.opened, 1)
    paper.hear(1, wire.GATEWAY_HELLO)
    paper.hear(1, wire.SYNC_FAILED, wire.SystemError(code="c", message="bad cron"))
    assert paper.stopped is not None and "bad cron" in str(paper.stopped.error)


def test_functions_that_were_accepted_before_are_offered_again(active: Paper) -> None:
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(1)
    active.do(active.machine.started, start_answer("g2"))
    active.do(active.machine.opened, 2)
    active.hear(2, wire.GATEWAY_HELLO)
    active.hear(2, wire.SYNC_FAILED, wire.SystemError(code="c", message="no database"))
    assert active.stopped is None
    active.take(Start)
    active.wait(10)
    assert len(active.take(Start)) == 1


# the API


def test_hours_of_outage_are_sat_out_with_growing_delays(paper: Paper) -> None:
    moments: list[float] = []
    for _ in range(60):
        assert len(paper.take(Start)) == 1
        moments.append(paper.now)
        paper.do(paper.machine.start_failed, "status 500")
        due = paper.machine.next_due
        assert due is not None
        paper.wait(due - paper.now)
    gaps = [round(b - a) for a, b in itertools.pairwise(moments)]
    assert gaps[:9] == [1, 2, 5, 10, 20, 30, 60, 120, 300]
    assert set(gaps[9:]) == {300}
    assert moments[-1] - moments[0] > 4 * 3600
    assert paper.stopped is None
    paper.connect()
    assert paper.is_in(ConnectionState.ACTIVE)


def test_delays_are_spread(paper: Paper) -> None:
    found = set()
    for random in (0.0, 0.5, 0.999):
        made = Paper(random=lambda random=random: random)
        made.do(made.machine.start)
        made.do(made.machine.start_failed, "no")
        assert made.machine.next_due is not None
        found.add(round(made.machine.next_due - made.now, 1))
    assert found == {0.5, 1.0, 1.5}


def test_a_server_may_ask_for_a_longer_delay(paper: Paper) -> None:
    paper.do(paper.machine.start_failed, "status 429", 77.0)
    assert paper.machine.next_due == paper.now + 77 + 1


def test_workers_that_are_told_to_wait_do_not_come_back_together() -> None:
    found = set[float]()
    for number in (0.0, 0.5, 1.0):
        made = Paper(random=lambda number=number: number)
        made.do(made.machine.start)
        made.do(made.machine.start_failed, "status 429", 77.0)
        assert made.machine.next_due is not None
        found.add(round(made.machine.next_due - made.now, 1))
    assert found == {77.5, 78.0, 78.5}


def test_a_refused_key_gives_way_to_the_other_one() -> None:
    paper = Paper(authorizations=("Bearer a", "Bearer b"))
    paper.do(paper.machine.start)
    assert [one.authorization for one in paper.take(Start)] == ["Bearer a"]
    paper.do(paper.machine.refused, 401)
    assert [one.authorization for one in paper.take(Start)] == ["Bearer b"]
    paper.connect()
    paper.do(paper.machine.closed, 1, 1006, "")
    paper.wait(1)
    assert [one.authorization for one in paper.take(Start)] == ["Bearer b"]


def test_keys_that_were_never_accepted_are_fatal_in_the_end() -> None:
    paper = Paper(authorizations=("Bearer a", "Bearer b"))
    paper.do(paper.machine.start)
    tried = 0
    while paper.stopped is None and tried < 20:
        tried += len(paper.take(Start))
        paper.do(paper.machine.refused, 401)
        paper.wait(5)
    assert tried == 6
    assert paper.stopped is not None
    assert isinstance(paper.stopped.error, ConnectAuthenticationError)


@pytest.mark.parametrize(
    ("authorizations", "told"),
    [((), "in dev mode none is sent: leave INNGEST_DEV unset"), (("Bearer a",), "check INNGEST_")],
)
def test_who_sends_no_key_is_not_told_to_look_at_it(
    authorizations: tuple[str, ...], told: str
) -> None:
    paper = Paper(authorizations=authorizations)
    paper.do(paper.machine.start)
    for _ in range(3):
        paper.do(paper.machine.refused, 401)
        paper.wait(5)
    assert paper.stopped is not None and told in str(paper.stopped.error)


def test_keys_that_were_accepted_once_are_tried_for_ever(active: Paper) -> None:
    active.do(active.machine.closed, 1, 1006, "")
    for _ in range(50):
        active.wait(600)
        assert len(active.take(Start)) == 1
        active.do(active.machine.refused, 401)
    assert active.stopped is None


def test_an_answer_without_a_gateway_is_an_outage(paper: Paper) -> None:
    for body in (b"", b"\xff\xff", b"<html>"):
        paper.take(Start)
        paper.do(paper.machine.started, body)
        assert paper.take(Open) == []
        paper.wait(10)
        assert len(paper.take(Start)) == 1


# calls


def test_a_call_is_acknowledged_executed_and_answered(active: Paper) -> None:
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
    active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert active.machine.unacknowledged == 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, wire.DONE), (206, wire.NOT_COMPLETED), (500, wire.ERROR), (404, wire.ERROR)],
)
def test_a_reply_says_what_the_answer_is_and_whether_to_retry(
    active: Paper, status: int, expected: int
) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.reply(
        "r1", CommResponse(status=status, body=b"", headers={"x-inngest-no-retry": "true"})
    )
    said = payload_of(active.frames()[0])
    assert said.status == expected and said.no_retry


def test_a_call_of_an_unknown_app_is_left_to_others(active: Paper) -> None:
    active.call(1, "r1", app="other")
    assert active.take(Send) == [] and active.take(Run) == []


def test_a_call_that_comes_twice_is_executed_once(active: Paper) -> None:
    active.call(1, "r1")
    active.call(1, "r1")
    assert len(active.take(Run)) == 1
    assert active.kinds() == [wire.WORKER_REQUEST_ACK] * 2
    active.reply("r1")
    active.take(Send)
    active.call(1, "r1")  # not acknowledged yet: said again
    assert active.kinds() == [wire.WORKER_REQUEST_ACK, wire.WORKER_REPLY]
    active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    active.call(1, "r1")
    assert active.kinds() == [wire.WORKER_REQUEST_ACK]
    assert active.take(Run) == []


def test_no_more_calls_run_than_are_allowed() -> None:
    paper = Paper(limit=2)
    paper.do(paper.machine.start)
    paper.connect()
    for index in range(5):
        paper.call(1, f"r{index}")
    assert [run.request.request_id for run in paper.take(Run)] == ["r0", "r1"]
    assert paper.machine.calls.waiting == 3
    paper.reply("r1")
    assert [run.request.request_id for run in paper.take(Run)] == ["r2"]
    assert paper.machine.calls.running == 2


def test_an_answer_that_no_gateway_takes_becomes_an_error(active: Paper) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.reply("r1", CommResponse(status=200, body=b"x" * (9 * 1024 * 1024)))
    said = payload_of(active.frames()[0])
    assert said.status == wire.ERROR and said.no_retry and b"return less" in said.body


# leases


def test_leases_are_extended_while_a_call_runs(active: Paper) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.live(30)
    (extend,) = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert payload_of(extend).lease_id == "lease-r1"
    answer = wire.WorkerRequestExtendLeaseAckData(request_id="r1", new_lease_id="l2")
    active.hear(1, wire.WORKER_REQUEST_EXTEND_LEASE_ACK, answer)
    active.live(30)
    extended = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert [payload_of(frame).lease_id for frame in extended] == ["l2"]


def test_a_lost_lease_is_not_extended_and_what_has_not_begun_never_begins() -> None:
    paper = Paper(limit=1)
    paper.do(paper.machine.start)
    paper.connect()
    paper.call(1, "r1")
    paper.call(1, "r2")
    paper.take(Send)
    for request_id in ("r1", "r2"):
        lost = wire.WorkerRequestExtendLeaseAckData(request_id=request_id)
        paper.hear(1, wire.WORKER_REQUEST_EXTEND_LEASE_ACK, lost)
    paper.hear(1, wire.GATEWAY_HEARTBEAT)
    paper.take(Run)
    paper.reply("r1")
    assert paper.take(Run) == []
    paper.wait(15)
    assert wire.WORKER_REQUEST_EXTEND_LEASE not in paper.kinds()


def test_a_call_that_runs_and_is_given_again_is_leased_again(active: Paper) -> None:
    active.call(1, "r1")
    active.hear(
        1,
        wire.WORKER_REQUEST_EXTEND_LEASE_ACK,
        wire.WorkerRequestExtendLeaseAckData(request_id="r1"),
    )
    again = call_of("r1")
    again.lease_id = "lease-2"
    active.hear(1, wire.GATEWAY_EXECUTOR_REQUEST, again)
    assert len(active.take(Run)) == 1
    active.take(Send)
    active.live(31)
    extensions = [f for f in active.frames() if f.kind == wire.WORKER_REQUEST_EXTEND_LEASE]
    assert [payload_of(one).lease_id for one in extensions] == ["lease-2"]


def test_leases_go_on_over_the_next_connection(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    assert len(active.take(Start)) == 1
    active.take(Send)
    active.connect("g2", "c2")
    assert wire.WORKER_REQUEST_EXTEND_LEASE in active.kinds(2)


# replies


def test_a_reply_whose_connection_is_lost_is_flushed(active: Paper) -> None:
    active.call(1, "r1")
    active.reply("r1")
    active.do(active.machine.closed, 1, 1006, "")
    (flush,) = active.take(Flush)
    assert wire.SDKResponse.FromString(flush.body).request_id == "r1"
    active.do(active.machine.flushed, "r1")
    assert active.machine.unacknowledged == 0


def test_a_reply_without_a_connection_is_flushed(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.reply("r1")
    assert len(active.take(Flush)) == 1


def test_a_reply_whose_acknowledgement_is_late_is_flushed(active: Paper) -> None:
    active.call(1, "r1")
    active.reply("r1")
    active.take(Send)
    active.wait(4.9)
    assert active.take(Flush) == []
    active.wait(0.2)
    assert len(active.take(Flush)) == 1


def owing(paper: Paper) -> None:
    """Have a worker find a gateway again, and owe it a reply that waits for its next attempt."""
    paper.call(1, "r1")
    paper.do(paper.machine.closed, 1, 1006, "")
    paper.reply("r1")
    for _ in range(5):
        paper.wait(30)
        paper.take(Flush)
        paper.do(paper.machine.flush_failed, "r1", 0, "why")
    paper.take(Send)
    paper.connect("g2", "c2")


def test_what_is_owed_is_delivered_before_calls_come(active: Paper) -> None:
    """A server that lost the call in an outage would have it executed once more."""
    owing(active)
    hello, *sent = active.frames(2)
    assert payload_of(hello).worker_manual_readiness_ack
    assert [frame.kind for frame in sent] == [wire.WORKER_HEARTBEAT, wire.WORKER_REPLY]
    assert not active.is_in(ConnectionState.ACTIVE)
    active.hear(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert wire.WORKER_READY in active.kinds(2)
    assert active.is_in(ConnectionState.ACTIVE)
    active.wait(5)
    assert active.kinds(2) == [wire.WORKER_HEARTBEAT]
    active.wait(30)
    assert [close.reason for close in active.take(Close)] == ["CONSECUTIVE_HEARTBEATS_MISSED"]


def test_calls_do_not_wait_long_for_what_is_owed(active: Paper) -> None:
    owing(active)
    active.wait(4)
    assert wire.WORKER_READY not in active.kinds(2)
    active.wait(2)
    assert wire.WORKER_READY in active.kinds(2)
    assert active.machine.unacknowledged == 1


@pytest.mark.parametrize("is_drained", [False, True])
def test_a_worker_that_owes_and_is_to_leave_takes_no_calls(active: Paper, is_drained: bool) -> None:
    owing(active)
    if is_drained:
        active.hear(2, wire.GATEWAY_CLOSING)
    else:
        active.do(active.machine.close)
    active.wait(6)
    active.hear(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert wire.WORKER_READY not in active.kinds(2)


def test_a_flush_is_tried_until_it_works(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.reply("r1")
    for _ in range(40):
        assert len(active.take(Flush)) == 1
        active.do(active.machine.flush_failed, "r1", 0, "why")
        assert active.take(Flush) == []
        active.wait(30)
    assert active.machine.unacknowledged == 1


def owing_many(paper: Paper) -> list[str]:
    """Have a worker without a gateway owe many replies. Returns their calls."""
    calls = [f"r{number}" for number in range(100)]
    for request_id in calls:
        paper.call(1, request_id)
    paper.do(paper.machine.closed, 1, 1006, "")
    for request_id in calls:
        paper.reply(request_id)
    return calls


def test_few_replies_are_flushed_at_once_and_all_in_the_end(active: Paper) -> None:
    calls = owing_many(active)
    under_way = active.take(Flush)
    assert len(under_way) == MOST_FLUSHES
    found: list[str] = []
    while under_way:
        flush = under_way.pop(0)
        found.append(flush.request_id)
        active.do(active.machine.flushed, flush.request_id)
        under_way += active.take(Flush)
        assert len(under_way) <= MOST_FLUSHES
    assert found == calls
    assert active.machine.unacknowledged == 0


def test_in_an_outage_one_reply_is_tried_at_a_time_with_growing_pauses(active: Paper) -> None:
    owing_many(active)
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
    assert len(active.take(Flush)) == MOST_FLUSHES


def test_a_reply_that_is_refused_holds_up_no_other(active: Paper) -> None:
    owing_many(active)
    refused = active.take(Flush)[0]
    active.do(active.machine.flush_failed, refused.request_id, 400, "malformed")
    (other,) = active.take(Flush)
    assert other.request_id != refused.request_id


def test_what_waits_for_its_turn_over_http_goes_by_the_next_connection(active: Paper) -> None:
    calls = owing_many(active)
    under_way = {flush.request_id for flush in active.take(Flush)}
    active.connect("g2", "c2")
    sent = [payload_of(one).request_id for one in active.frames(2) if one.kind == wire.WORKER_REPLY]
    assert sent == [request_id for request_id in calls if request_id not in under_way]
    for request_id in under_way:
        active.do(active.machine.flushed, request_id)
    assert active.take(Flush) == []


def test_a_reply_that_is_acknowledged_while_it_waits_for_its_turn_is_not_flushed(
    active: Paper,
) -> None:
    calls = [f"r{number}" for number in range(MOST_FLUSHES + 1)]
    for request_id in calls:
        active.call(1, request_id)
        active.reply(request_id)
    active.wait(5)
    assert len(active.take(Flush)) == MOST_FLUSHES
    active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id=calls[-1]))
    for request_id in calls[:-1]:
        active.do(active.machine.flushed, request_id)
    assert active.take(Flush) == []
    assert active.machine.unacknowledged == 0


def test_an_outage_is_told_once_not_for_every_reply(active: Paper) -> None:
    owing_many(active)
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


def test_a_reply_that_the_server_calls_malformed_is_given_up(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.reply("r1")
    for _ in range(5):
        assert len(active.take(Flush)) == 1
        active.do(active.machine.flush_failed, "r1", 400, "why")
        active.wait(30)
    assert active.take(Flush) == []
    assert "reply_lost" in [entry.event for entry in active.logged]


def test_a_refused_flush_uses_the_other_key() -> None:
    paper = Paper(authorizations=("Bearer a", "Bearer b"))
    paper.do(paper.machine.start)
    paper.connect()
    paper.call(1, "r1")
    paper.do(paper.machine.closed, 1, 1006, "")
    paper.reply("r1")
    assert [one.authorization for one in paper.take(Flush)] == ["Bearer a"]
    paper.do(paper.machine.flush_failed, "r1", 401, "why")
    paper.wait(2)
    assert [one.authorization for one in paper.take(Flush)] == ["Bearer b"]


# heartbeats


def test_a_silent_gateway_is_left(active: Paper) -> None:
    active.wait(10)
    assert active.take(Close) == []
    active.wait(10)
    (close,) = active.take(Close)
    assert (close.link, close.reason) == (1, "CONSECUTIVE_HEARTBEATS_MISSED")
    assert active.is_in(ConnectionState.RECONNECTING)
    active.wait(2)
    (start,) = active.take(Start)
    assert excluded(start) == ["g1"]


def test_a_gateway_that_answers_is_kept(active: Paper) -> None:
    for _ in range(100):
        active.hear(1, wire.GATEWAY_HEARTBEAT)
        active.wait(10)
    assert active.take(Close) == []
    assert active.machine.heard_at == pytest.approx(active.now - 10)


def test_a_gateway_that_has_much_to_say_is_not_silent(active: Paper) -> None:
    """Its answer to a heartbeat stands behind thousands of calls."""
    for number in range(10):
        active.call(1, f"r{number}")
        active.wait(9)
    assert active.take(Close) == []
    assert active.is_in(ConnectionState.ACTIVE)


def test_a_machine_that_slept_sends_one_beat_not_many(active: Paper) -> None:
    active.hear(1, wire.GATEWAY_HEARTBEAT)
    active.now += 3600
    active.do(active.machine.tick)
    assert active.kinds() == [wire.WORKER_HEARTBEAT]


def test_status_is_told_when_the_gateway_wants_it(paper: Paper) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.opened, 1)
    paper.hear(1, wire.GATEWAY_HELLO)
    terms = wire.GatewayConnectionReadyData(status_interval="500ms")
    paper.hear(1, wire.GATEWAY_CONNECTION_READY, terms)
    paper.call(1, "r1")
    paper.take(Send)
    paper.wait(2)
    (status,) = paper.frames()
    assert list(payload_of(status).in_flight_request_ids) == ["r1"]


@pytest.mark.parametrize("told", ["1ms", "0.0000001s"])
def test_a_gateway_that_wants_to_hear_too_often_is_told_at_most_ten_times_a_second(
    paper: Paper, told: str
) -> None:
    """Its answers could not be there in time, and the worker would do nothing else."""
    link = paper.connect(terms={"heartbeat_interval": told, "extend_lease_interval": told})
    paper.call(link, "r1")
    paper.take(Send)
    for _ in range(10):
        paper.wait(0.1)
        paper.hear(link, wire.GATEWAY_HEARTBEAT)
    kinds = paper.kinds()
    assert 9 <= kinds.count(wire.WORKER_HEARTBEAT) <= 11
    assert 9 <= kinds.count(wire.WORKER_REQUEST_EXTEND_LEASE) <= 11


def test_a_dead_connection_is_found_however_seldom_the_gateway_wants_to_hear(paper: Paper) -> None:
    link = paper.connect(terms={"heartbeat_interval": "23h"})
    paper.take(Send)
    paper.wait(181)
    assert [close.link for close in paper.take(Close)] == [link]


# draining


def test_a_drained_worker_moves_before_it_leaves(active: Paper) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.hear(1, wire.GATEWAY_CLOSING)
    assert active.is_in(ConnectionState.RECONNECTING)
    (start,) = active.take(Start)
    assert excluded(start) == ["g1"]
    assert active.take(Close) == []
    assert active.connect("g2", "c2") == 2
    assert active.is_in(ConnectionState.ACTIVE)
    assert wire.WORKER_REQUEST_EXTEND_LEASE in active.kinds(2)
    assert active.take(Close) == []  # the call that came by it is not answered
    active.reply("r1")
    assert active.kinds(1) == [wire.WORKER_REPLY]
    assert active.take(Close) == []
    active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    (close,) = active.take(Close)
    assert (close.link, close.code, close.reason) == (1, 1000, "WORKER_SHUTDOWN")
    active.do(active.machine.closed, 1, 1000, "WORKER_SHUTDOWN")
    assert active.is_in(ConnectionState.ACTIVE)


def test_a_drained_connection_that_is_cut_flushes_what_it_owes(active: Paper) -> None:
    active.call(1, "r1")
    active.hear(1, wire.GATEWAY_CLOSING)
    active.reply("r1")
    active.do(active.machine.closed, 1, 1001, "connect_gateway_closing")
    assert len(active.take(Flush)) == 1
    assert len(active.take(Start)) == 1  # one search, not two
    active.connect("g2", "c2")
    active.do(active.machine.flushed, "r1")
    assert active.is_in(ConnectionState.ACTIVE)


def test_gateways_that_send_everybody_away_are_asked_with_growing_pauses(active: Paper) -> None:
    starts = []
    for link in range(1, 30):
        active.hear(link, wire.GATEWAY_CLOSING)
        for _ in range(1000):
            if active.take(Start):
                break
            active.wait(1)
        starts.append(active.now)
        assert active.connect(f"g{link + 1}", f"c{link + 1}") == link + 1
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert (starts[0], pauses[:4], pauses[-1]) == (100.0, [2, 5, 10, 20], 300)
    active.live(25, 30)
    active.hear(30, wire.GATEWAY_CLOSING)
    assert len(active.take(Start)) == 1


def test_gateways_that_do_not_last_are_asked_with_growing_pauses(active: Paper) -> None:
    starts = []
    for link in range(1, 6):
        active.do(active.machine.closed, link, 1011, "")
        for _ in range(1000):
            if active.take(Start):
                break
            active.wait(1)
        starts.append(active.now)
        active.connect(f"g{link + 1}", f"c{link + 1}")
        active.live(5, link + 1)
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert pauses == [7, 10, 15, 25]
    active.live(25, 6)
    active.do(active.machine.closed, 6, 1011, "")
    active.wait(1)
    assert len(active.take(Start)) == 1


def test_when_there_is_no_other_gateway_none_is_excluded_any_more(active: Paper) -> None:
    active.hear(1, wire.GATEWAY_CLOSING)
    active.take(Start)
    active.do(active.machine.started, wire.StartResponse().SerializeToString())
    active.wait(2)
    (start,) = active.take(Start)
    assert excluded(start) == []


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
    active: Paper, code: int, reason: str
) -> None:
    active.do(active.machine.closed, 1, code, reason)
    assert active.is_in(ConnectionState.RECONNECTING)
    active.wait(2)
    assert len(active.take(Start)) == 1
    active.connect("g2", "c2")
    assert active.is_in(ConnectionState.ACTIVE)


# the end


def test_a_worker_that_closes_finishes_what_it_has(active: Paper) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.do(active.machine.close)
    assert active.kinds() == [wire.WORKER_PAUSE]
    assert active.is_in(ConnectionState.CLOSING)
    for _ in range(4):
        active.wait(9)
        active.hear(1, wire.GATEWAY_HEARTBEAT)
    kinds = active.kinds()
    assert wire.WORKER_HEARTBEAT in kinds and wire.WORKER_REQUEST_EXTEND_LEASE in kinds
    active.reply("r1")
    assert active.take(Close) == []
    assert not active.has_stopped
    active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    (close,) = active.take(Close)
    assert (close.code, close.reason) == (1000, "WORKER_SHUTDOWN")
    active.do(active.machine.closed, 1, 1000, "")
    assert active.stopped is not None and active.stopped.error is None
    assert active.machine.next_due is None


def test_a_gateway_that_does_not_heed_the_end_does_not_put_it_off(active: Paper) -> None:
    """What had crossed the word of it is done; what comes later is left to others."""
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
        active.hear(1, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id=request_id))
    assert len(active.take(Close)) == 1


def test_a_worker_without_a_connection_closes_at_once(paper: Paper) -> None:
    paper.do(paper.machine.close)
    assert paper.stopped is not None and paper.stopped.error is None


def test_a_worker_that_closes_and_loses_its_connection_comes_back_for_its_calls(
    active: Paper,
) -> None:
    active.call(1, "r1")
    active.do(active.machine.close)
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    assert len(active.take(Start)) == 1
    active.take(Send)
    active.connect("g2", "c2")
    hello = active.frames(2)[0]
    assert payload_of(hello).worker_manual_readiness_ack  # and never ready: no more calls
    assert active.is_in(ConnectionState.CLOSING)
    active.reply("r1")
    active.hear(2, wire.WORKER_REPLY_ACK, wire.WorkerReplyAckData(request_id="r1"))
    assert [close.link for close in active.take(Close)] == [2]


def test_a_gateway_that_is_not_to_call_need_not_answer_heartbeats(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.close)
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    active.connect("g2", "c2")
    active.take(Send)
    active.wait(100)
    assert active.take(Close) == []
    assert active.kinds(2).count(wire.WORKER_HEARTBEAT) == 10
    active.hear(2, wire.GATEWAY_HEARTBEAT)
    active.wait(31)
    assert [close.reason for close in active.take(Close)] == ["CONSECUTIVE_HEARTBEATS_MISSED"]


def test_a_worker_that_closes_within_a_handshake_takes_no_calls(active: Paper) -> None:
    active.call(1, "r1")
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(2)
    active.do(active.machine.started, start_answer("g2", "c2"))
    active.do(active.machine.opened, 2)
    active.hear(2, wire.GATEWAY_HELLO)
    active.do(active.machine.close)
    active.take(Send)
    active.hear(2, wire.GATEWAY_CONNECTION_READY, wire.GatewayConnectionReadyData())
    assert wire.WORKER_PAUSE in active.kinds(2)


@pytest.mark.parametrize("is_drained", [False, True])
def test_a_call_that_crosses_the_goodbye_is_left_to_others(active: Paper, is_drained: bool) -> None:
    """Its acknowledgement cannot be sent any more: executed here, it would be executed twice."""
    if is_drained:
        active.hear(1, wire.GATEWAY_CLOSING)
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


def test_a_goodbye_that_nobody_answers_is_not_waited_for_long(active: Paper) -> None:
    active.do(active.machine.close)
    active.wait(3)
    assert active.stopped is not None


def test_an_end_does_not_wait_longer_than_its_limit() -> None:
    paper = Paper(timing=Timing(shutdown=60))
    paper.do(paper.machine.start)
    paper.connect()
    paper.call(1, "r1")
    paper.do(paper.machine.close)
    paper.wait(61)
    assert paper.stopped is not None
    (lost,) = [entry for entry in paper.logged if entry.event == "aborted"]
    assert lost.fields["unfinished"] == ["r1"]


def test_nothing_is_done_after_the_end(active: Paper) -> None:
    active.do(active.machine.abort)
    assert active.stopped is not None
    active.asked.clear()
    active.do(active.machine.closed, 1, 1006, "")
    active.do(active.machine.received, 1, b"\x08\x03")
    active.reply("r1")
    active.wait(1000)
    assert active.asked == []


def test_a_url_that_cannot_be_rewritten_is_fatal() -> None:
    def rewrite(url: str) -> str:
        raise KeyError(url)

    paper = Paper(rewrite=rewrite)
    paper.do(paper.machine.start)
    paper.do(paper.machine.started, start_answer())
    assert paper.stopped is not None and "rewrite_gateway_endpoint" in str(paper.stopped.error)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        5,
        "http://proxy",
        "proxy:8289",
        "ws://",
        "wss://[::1",
        "ws://proxy:no",
        "ws://\x00",
        "ws://a b/",
    ],
)
def test_a_url_that_is_rewritten_to_none_is_fatal(url: Any) -> None:
    paper = Paper(rewrite=lambda _: url)
    paper.do(paper.machine.start)
    paper.do(paper.machine.started, start_answer())
    assert paper.stopped is not None and paper.take(Open) == []
    assert f"rewrite_gateway_endpoint gave {url!r}" in str(paper.stopped.error)


def test_a_gateway_that_the_api_names_badly_is_asked_for_again(paper: Paper) -> None:
    paper.take(Start)
    named = wire.StartResponse(connection_id="c1", gateway_endpoint="gateway:8289")
    paper.do(paper.machine.started, named.SerializeToString())
    assert paper.stopped is None and paper.take(Open) == []
    paper.wait(60)
    assert len(paper.take(Start)) == 1


def test_a_url_is_rewritten() -> None:
    paper = Paper(rewrite=lambda url: url.replace("g1", "proxy"))
    paper.do(paper.machine.start)
    paper.do(paper.machine.started, start_answer())
    assert [one.url for one in paper.take(Open)] == ["ws://proxy"]


@pytest.mark.parametrize(
    ("is_api_encrypted", "endpoint", "is_told"),
    [
        (True, "ws://gw.test:8289/x?token=SECRET", True),
        (True, "wss://gw.test/x", False),
        (True, "ws://127.0.0.1:8289", False),
        (False, "ws://gw.test:8289", False),
    ],
)
def test_a_gateway_without_tls_behind_an_api_with_it_is_told(
    is_api_encrypted: bool, endpoint: str, is_told: bool
) -> None:
    paper = Paper(is_api_encrypted=is_api_encrypted)
    paper.do(paper.machine.start)
    named = wire.StartResponse(connection_id="c1", gateway_endpoint=endpoint)
    paper.do(paper.machine.started, named.SerializeToString())
    told = [entry for entry in paper.logged if entry.event == "gateway_without_tls"]
    assert [entry.fields["gateway"] for entry in told] == ["gw.test:8289"] * is_told
    assert "SECRET" not in str(paper.logged)


def test_calls_are_of_the_app_that_is_named() -> None:
    assert call_of("r1").app_name == "app"


def test_how_it_is_can_be_asked_for_while_a_connection_comes(
    active: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = active.machine
    (first,) = machine._links.values()

    def looked_at(link: Link) -> bool:
        # the worker's thread goes on in the midst of the look
        machine._links.setdefault(2, replace(first, id=2))
        return link.is_ready

    with monkeypatch.context() as patched:
        patched.setattr(Link, "is_current", property(looked_at))
        assert machine.current is first
