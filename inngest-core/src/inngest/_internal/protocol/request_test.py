from __future__ import annotations

import json
from typing import Any

import pytest

from inngest._internal.errors import BodyInvalidError, BodyTooLargeError
from inngest._internal.protocol.request import (
    MAX_BODY_BYTES,
    CallRequest,
    decode_call,
    decode_events,
)

SECRET = "s3cr3t-of-the-request"
GOOD: dict[str, Any] = {
    "ctx": {"run_id": "R", "attempt": 1, "max_attempts": 4, "stack": {"stack": ["h"]}},
    "event": {"name": "e", "data": {"x": 1}, "id": "I", "ts": 5, "user": {"u": 1}, "v": "2"},
    "steps": {"h": {"data": 1}},
}


def decode(**changes: object) -> CallRequest | BodyInvalidError:
    return decode_call(json.dumps({**GOOD, **changes}).encode())


def with_ctx(**changes: object) -> CallRequest | BodyInvalidError:
    return decode(ctx={**GOOD["ctx"], **changes})


def test_a_call_is_read() -> None:
    call = decode()
    assert isinstance(call, CallRequest)
    assert (call.run_id, call.attempt, call.max_attempts) == ("R", 1, 4)
    assert (list(call.stack), dict(call.steps)) == (["h"], {"h": {"data": 1}})
    assert (call.event.id, call.event.ts, call.event.v) == ("I", 5, "2")
    assert call.event.user == {"u": 1}
    assert call.events == [call.event]
    assert not call.plan_only
    assert not call.use_api


def test_unknown_fields_are_ignored() -> None:
    assert isinstance(decode(new=1), CallRequest)
    assert isinstance(with_ctx(new=1), CallRequest)


@pytest.mark.parametrize("stack", [None, {}, {"stack": None}, [], {"stack": []}])
def test_an_absent_stack_is_empty(stack: object) -> None:
    call = with_ctx(stack=stack)
    assert isinstance(call, CallRequest)
    assert list(call.stack) == []


@pytest.mark.parametrize("events", [None, []])
def test_without_a_batch_the_event_is_the_batch(events: object) -> None:
    call = decode(events=events)
    assert isinstance(call, CallRequest)
    assert call.events == [call.event]
    assert call.events[0].data is not call.event.data, (
        "what is done to one is not done to the other"
    )


@pytest.mark.parametrize("field", ["ctx", "event", "steps"])
@pytest.mark.parametrize("value", [None, SECRET, [SECRET], 1, True])
def test_each_part_must_be_an_object(field: str, value: object) -> None:
    failure = decode(**{field: value})
    assert isinstance(failure, BodyInvalidError)
    assert SECRET not in failure.message


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": None},
        {"run_id": 1},
        {"attempt": None},
        {"attempt": SECRET},
        {"attempt": -1},
        {"attempt": True},
        {"attempt": 1.5},
        {"max_attempts": SECRET},
        {"max_attempts": -1},
        {"stack": SECRET},
        {"stack": {"stack": [SECRET, 1]}},
        {"disable_immediate_execution": SECRET},
        {"use_api": 1},
    ],
)
def test_a_field_of_another_type_is_named_but_never_shown(changes: dict[str, object]) -> None:
    failure = with_ctx(**changes)
    assert isinstance(failure, BodyInvalidError)
    assert next(iter(changes)) in failure.message
    assert SECRET not in failure.message


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"name": [SECRET]},
        {"name": "e", "data": SECRET},
        {"name": "e", "ts": SECRET},
        {"name": "e", "user": SECRET},
        {"name": "e", "v": {"x": SECRET}},
    ],
)
def test_an_event_of_another_form_is_refused_and_never_shown(event: object) -> None:
    for failure in (decode(event=event), decode(events=[event]), decode_events([event])):
        assert isinstance(failure, BodyInvalidError)
        assert SECRET not in failure.message


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b"null", b"[]", b'"x"'],
    ids=lambda body: repr(body[:8]),
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert isinstance(decode_call(body), BodyInvalidError)


def test_a_body_that_is_too_large_is_not_parsed() -> None:
    assert isinstance(decode_call(b"[" * (MAX_BODY_BYTES + 1)), BodyTooLargeError)
