"""The outbox, the leases, the connector and the calls, each on its own."""

from __future__ import annotations

import logging

import pytest

from inngest.connect._internal import log
from inngest.connect._internal.calls import MOST_REMEMBERED, Calls
from inngest.connect._internal.conftest import call_of
from inngest.connect._internal.connector import Connector
from inngest.connect._internal.effects import Log
from inngest.connect._internal.frames import Frame, decode, encode
from inngest.connect._internal.leases import Leases
from inngest.connect._internal.messages import comm_request
from inngest.connect._internal.outbox import Outbox
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.waiters import Waiters
from inngest.connect._internal.wire import connect_pb2 as wire


def due_of(part: Outbox | Leases) -> float | None:
    return part.next_due


def test_an_outbox_over_its_limit_gives_up_the_oldest_and_names_it() -> None:
    outbox = Outbox(max_bytes=25)
    assert outbox.add("a", b"x" * 10, 0) == []
    assert outbox.add("b", b"x" * 10, 0) == []
    assert outbox.add("c", b"x" * 10, 0) == ["a"]
    assert [entry.request_id for entry in outbox.due(0)] == ["b", "c"]


def test_one_reply_is_kept_however_large_it_is() -> None:
    outbox = Outbox(max_bytes=5)
    assert outbox.add("a", b"x" * 10, 0) == []
    assert "a" in outbox


def test_a_reply_of_the_same_call_takes_the_place_of_the_first() -> None:
    outbox = Outbox(max_bytes=25)
    for _ in range(10):
        assert outbox.add("a", b"x" * 10, 0) == []
    assert len(outbox) == 1


def test_what_was_sent_on_a_lost_connection_is_due() -> None:
    outbox = Outbox()
    for name, link in (("a", 1), ("b", 2)):
        outbox.add(name, b"", 0)
        entry = outbox.get(name)
        assert entry is not None
        outbox.sent(entry, link, 100)
    assert outbox.due(50) == []
    assert due_of(outbox) == 100
    outbox.lost(1, 50)
    assert [entry.request_id for entry in outbox.due(50)] == ["a"]
    assert outbox.waits_for(2) and not outbox.waits_for(3)


def test_what_is_being_flushed_is_not_due() -> None:
    outbox = Outbox()
    outbox.add("a", b"", 0)
    (entry,) = outbox.due(0)
    assert outbox.due(1000) == []
    assert due_of(outbox) is None
    outbox.flush_failed(entry, 5)
    assert due_of(outbox) == 5


def test_a_confirmation_that_comes_twice_changes_nothing() -> None:
    outbox = Outbox()
    outbox.add("a", b"", 0)
    outbox.confirmed("a")
    outbox.confirmed("a")
    assert "a" not in outbox and due_of(outbox) is None


def test_leases_are_due_one_interval_after_the_other() -> None:
    leases = Leases()
    leases.take("a", "l1", 30)
    assert leases.due(29, 30) == []
    assert leases.due(31, 30) == [("a", "l1")]
    assert due_of(leases) == 61
    leases.renewed("a", "l2")
    leases.renewed("unknown", "l2")
    leases.hurry(40)
    assert leases.due(40, 30) == [("a", "l2")]
    assert leases.drop("a") and not leases.drop("a")
    assert due_of(leases) is None
    assert len(leases) == 0


def test_one_search_at_a_time() -> None:
    connector = Connector((), (1, 2), lambda: 0.5)
    assert not connector.begin(0)
    connector.want(0)
    assert connector.begin(0) and not connector.begin(0)
    connector.want(0)
    assert connector.due is None
    assert connector.failed(0) == 1
    connector.want(0)
    assert connector.due == 1


def test_excluded_gateways_are_forgotten_when_one_is_found() -> None:
    connector = Connector((), (1,), lambda: 0.5)
    for group in ("a", "b", "a", ""):
        connector.exclude(group)
    assert connector.excluded == ["a", "b"]
    connector.found()
    assert connector.excluded == []


def test_answered_calls_are_remembered_but_not_for_ever() -> None:
    calls = Calls(None)
    for index in range(MOST_REMEMBERED + 10):
        calls.take(call_of(f"r{index}"), 1)
        calls.startable()
        calls.answered(f"r{index}")
    assert not calls.was_answered("r0")
    assert calls.was_answered(f"r{MOST_REMEMBERED + 9}")
    assert calls.running == 0 and len(calls) == 0


def test_no_frame_is_empty() -> None:
    """Some servers do not send what is empty."""
    hello = encode(wire.GATEWAY_HELLO)
    assert len(hello) > 0
    assert decode(hello) == decode(b"") == Frame(wire.GATEWAY_HELLO)


def test_a_call_has_the_headers_that_it_would_have_over_http() -> None:
    request = call_of("r")
    request.job_id = "j"
    request.user_trace_ctx = b'{"traceparent": "00-ab-cd-01", "tracestate": "a=b", "x": "y"}'
    assert comm_request(request).headers == {
        "x-inngest-job-id": "j",
        "x-request-id": "r",
        "traceparent": "00-ab-cd-01",
        "tracestate": "a=b",
    }


@pytest.mark.parametrize("context", [b"", b"{", b"[1]", b'{"traceparent": 1}', b"[" * 100_000])
def test_a_trace_context_that_makes_no_sense_is_none(context: bytes) -> None:
    request = call_of("r")
    request.user_trace_ctx = context
    assert set(comm_request(request).headers) == {"x-inngest-job-id", "x-request-id"}


def test_a_worker_that_has_ended_enters_no_other_state() -> None:
    """What its thread has yet to tell may come later, when the end was cancelled twice."""
    waiters = Waiters(ConnectionState.CONNECTING)
    waiters.end(None)
    waiters.enter(ConnectionState.ACTIVE)
    assert waiters.state is ConnectionState.CLOSED


def test_what_a_gateway_says_is_one_line_of_the_log_and_a_short_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = "gone\nERROR \x1b[2Jall is well"
    log.write(Log("disconnected", logging.WARNING, {"reason": said, "app": "x" * 100_000}))
    (line,) = caplog.messages
    assert line.startswith("connect: disconnected reason=gone\\nERROR \\x1b[2Jall is well app=xxx")
    assert len(line) < 1000
    (record,) = caplog.records
    assert record.inngest["reason"] == said  # type: ignore[attr-defined]


def test_a_log_names_all_that_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    lost = [f"request-{number}" for number in range(1000)]
    log.write(Log("aborted", logging.ERROR, {"unfinished": lost}))
    assert "request-0" in caplog.text and "request-999" in caplog.text
