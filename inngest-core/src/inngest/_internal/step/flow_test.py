from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping

import pytest

from inngest._internal.conftest import invocation
from inngest._internal.engine.execution import CallFacts, Execution, Resume
from inngest._internal.engine.journal import hash_id
from inngest._internal.errors import (
    NonRetriableError,
    RetryAfterError,
    StepError,
    StepNestedError,
)
from inngest._internal.flow import Call, Flow, Outcome, Raised, Returned
from inngest._internal.op import Op, Opcode, StepCall
from inngest._internal.step.failure import describe
from inngest._internal.step.flow import Finish, carry_out, identify, inside_step


def execution(memos: Mapping[str, object] | None = None) -> Execution:
    facts = CallFacts(attempt=0, max_attempts=3)
    return Execution(facts=facts, memos={hash_id(k): v for k, v in (memos or {}).items()})


def taken(state: Execution) -> Flow[object]:
    made = invocation(state)
    call = StepCall(id="a", opcode=Opcode.STEP_RUN, handler=print)
    found = identify(made, call)
    state.find(found)
    move = state.next_move()
    assert isinstance(move, Resume)
    return carry_out(made, found, move.verdict)


def take(state: Execution, call: Callable[[], Outcome[object]]) -> object:
    """Drive one step; return its value, or the operation with which it ends the call."""
    flow = taken(state)
    sent: object = None
    try:
        while True:
            match flow.send(sent):
                case Call():
                    sent = call()
                case Finish(_, op):
                    return op
    except StopIteration as done:
        return done.value
    finally:
        flow.close()


def report(outcome: Outcome[object]) -> Op:
    op = take(execution(), lambda: outcome)
    assert isinstance(op, Op)
    return op


def never() -> Outcome[object]:
    raise AssertionError("the handler must not run")


def test_a_known_step_gives_its_value_without_running() -> None:
    assert take(execution({"a": {"data": [1]}}), never) == [1]


def test_a_failed_step_raises_the_error_it_ended_in() -> None:
    failure = {"error": {"name": "ValueError", "message": "no", "stack": "here"}}
    with pytest.raises(StepError) as caught:
        take(execution({"a": failure}), never)
    error = caught.value
    assert (error.name, error.message, error.stack) == ("ValueError", "no", "here")
    assert not error.is_retriable


def test_a_value_is_reported_as_json_text() -> None:
    op = report(Returned({"é": (1, None)}))
    assert (op.opcode, op.data) == (Opcode.STEP_RUN, '{"é":[1,null]}')


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}, b"x"])
def test_a_value_that_is_not_json_fails_the_step_for_good(value: object) -> None:
    op = report(Returned(value))
    assert (op.opcode, op.is_retriable) == (Opcode.STEP_FAILED, False)
    assert op.error is not None
    assert op.error.code == "output_unserializable"


def test_an_ordinary_error_is_retried() -> None:
    op = report(Raised(ValueError("no")))
    assert (op.opcode, op.is_retriable) == (Opcode.STEP_ERROR, True)
    assert op.error is not None
    assert (op.error.name, op.error.message) == ("ValueError", "no")


def test_a_final_error_is_not_retried() -> None:
    assert report(Raised(NonRetriableError("no"))).opcode is Opcode.STEP_FAILED


def test_a_retry_time_is_an_instant_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    when = datetime.datetime(2030, 7, 1, 12, 0, 0, 5000, tzinfo=zone)
    assert report(Raised(RetryAfterError("later", when))).retry_after == "2030-07-01T10:00:00.005Z"


def test_a_step_inside_a_step_is_refused_before_the_engine_sees_it() -> None:
    state = execution()
    token = inside_step.set("outer")
    try:
        with pytest.raises(StepNestedError, match='"a" is used inside step "outer"'):
            take(state, never)
    finally:
        inside_step.reset(token)
    assert state.executing is None


def test_a_step_whose_caller_is_cancelled_is_no_longer_running() -> None:
    state = execution()
    flow = taken(state)
    flow.send(None)
    running = [state.executing is not None]
    flow.close()
    running.append(state.executing is not None)
    assert running == [True, False]
    assert inside_step.get() is None


def test_an_error_whose_message_cannot_be_read_is_still_described() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "could not be read" in describe(BrokenError()).message
