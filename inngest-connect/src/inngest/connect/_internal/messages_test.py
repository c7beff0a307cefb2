from __future__ import annotations

import pytest

from inngest.connect._internal.conftest import Driver, call_of, payload_of
from inngest.connect._internal.effects import Send
from inngest.connect._internal.messages import comm_request
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, wire.DONE), (206, wire.NOT_COMPLETED), (500, wire.ERROR), (404, wire.ERROR)],
)
def test_a_reply_has_the_status_and_whether_to_retry(
    active: Driver, status: int, expected: int
) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.reply(
        "r1", CommResponse(status=status, body=b"", headers={"x-inngest-no-retry": "true"})
    )
    said = payload_of(active.frames()[0])
    assert said.status == expected and said.no_retry


def test_a_response_that_is_too_large_becomes_an_error(active: Driver) -> None:
    active.call(1, "r1")
    active.take(Send)
    active.reply("r1", CommResponse(status=200, body=b"x" * (9 * 1024 * 1024)))
    said = payload_of(active.frames()[0])
    assert said.status == wire.ERROR and said.no_retry and b"return less" in said.body


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
def test_an_invalid_trace_context_is_dropped(context: bytes) -> None:
    request = call_of("r")
    request.user_trace_ctx = context
    assert set(comm_request(request).headers) == {"x-inngest-job-id", "x-request-id"}
