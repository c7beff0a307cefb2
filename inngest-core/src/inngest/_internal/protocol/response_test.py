from __future__ import annotations

import json

import pytest

from inngest._internal.errors import BodyTooLargeError, UnknownError
from inngest._internal.op import ErrorData, Op, Opcode, StepID
from inngest._internal.protocol.response import (
    Answer,
    dump,
    function_failed,
    function_returned,
    refused,
    steps_reported,
)
from inngest._internal.serialization.text import encode

STEP = StepID(id="a", index=0, hashed="hash")
ERROR = ErrorData(code="c", name="n", message="m", stack="s")


def test_a_result_is_the_body() -> None:
    assert function_returned('{"x":1}') == Answer(status=200, body=b'{"x":1}')


@pytest.mark.parametrize("text", ["\ud800", "\udc00 and é", "a\ud83db", "ok \U0001f600"])
def test_any_text_is_utf_8_and_survives(text: str) -> None:
    encoded = encode(text, "it")
    assert isinstance(encoded, str)
    op = Op(step=STEP, opcode=Opcode.STEP_RUN, name=text, data=encoded)
    assert json.loads(steps_reported([op]).body.decode("utf-8"))[0]["name"] == text
    assert json.loads(function_returned(encoded).body.decode("utf-8")) == text
    assert json.loads(steps_reported([op]).body.decode("utf-8"))[0]["data"] == text
    assert json.loads(dump({text: text}).decode("utf-8")) == {text: text}


def test_an_operation_tells_the_step_and_its_data() -> None:
    op = Op(step=STEP, opcode=Opcode.STEP_RUN, name="a", opts={"o": 1}, data="[1]")
    answer = steps_reported([op, op])
    assert answer.status == 206
    first, second = json.loads(answer.body)
    assert first == second
    assert first == {
        "data": [1],
        "displayName": "a",
        "id": "hash",
        "name": "a",
        "op": "StepRun",
        "opts": {"o": 1},
        "userland": {"id": "a", "index": None},
    }


def test_a_failed_step_says_whether_and_when_to_retry() -> None:
    final = Op(step=STEP, opcode=Opcode.STEP_FAILED, name="a", error=ERROR, is_retriable=False)
    answer = steps_reported([final])
    assert answer.headers == {"x-inngest-no-retry": "true"}
    assert json.loads(answer.body)[0]["error"] == {
        "code": "c",
        "message": "m",
        "name": "n",
        "noRetry": True,
        "stack": "s",
    }
    later = Op(step=STEP, opcode=Opcode.STEP_ERROR, name="a", error=ERROR, retry_after="then")
    assert steps_reported([later]).headers == {"retry-after": "then"}


def test_no_operations_are_an_empty_list() -> None:
    assert steps_reported([]).body == b"[]"


def test_a_failed_function_says_whether_and_when_to_retry() -> None:
    assert function_failed(ERROR, is_retriable=True).headers == {}
    later = function_failed(ERROR, is_retriable=True, retry_after="then")
    assert (later.status, later.headers) == (500, {"retry-after": "then"})
    final = function_failed(ERROR, is_retriable=False, retry_after="then")
    assert final.headers == {"x-inngest-no-retry": "true"}


def test_a_refusal_has_the_status_of_its_error() -> None:
    answer = refused(BodyTooLargeError("big"))
    assert (answer.status, answer.headers) == (413, {"x-inngest-no-retry": "true"})
    assert json.loads(answer.body) == {
        "code": "body_too_large",
        "message": "big",
        "name": "BodyTooLargeError",
    }
    assert refused(UnknownError("x")).headers == {}


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump(float("nan"))
