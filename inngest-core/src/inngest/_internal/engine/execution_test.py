from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from inngest._internal.engine.execution import (
    CallFacts,
    Execute,
    Execution,
    Fail,
    Found,
    Lost,
    Move,
    Replay,
    Resume,
    Stop,
    Wait,
    failed,
    succeeded,
)
from inngest._internal.engine.journal import hash_id
from inngest._internal.op import ErrorData, Opcode, StepCall


def execution(
    memos: Mapping[str, object] | None = None,
    stack: Sequence[str] = (),
    *,
    target: str | None = None,
    plan_only: bool = False,
) -> Execution:
    return Execution(
        facts=CallFacts(target=hash_id(target) if target else None, plan_only=plan_only),
        memos={hash_id(name): memo for name, memo in (memos or {}).items()},
        stack=[hash_id(name) for name in stack],
    )


def find(state: Execution, name: str, *, race: bool = False, is_local: bool = True) -> Found:
    if is_local:
        call = StepCall(id=name, opcode=Opcode.STEP_RUN, handler=print, args=(1,))
    else:
        call = StepCall.for_server(name, Opcode.SLEEP, name="when")
    call.race = race
    found = state.identify(call)
    state.find(found)
    return found


def reported(move: Move) -> list[tuple[str, str]]:
    assert isinstance(move, Stop)
    return [(op.step.id, op.opcode.value) for op in move.ops]


def test_nothing_found_is_nothing_to_decide() -> None:
    assert execution().next_move() == Wait()
    assert execution(target="a").next_move() == Wait()


def test_a_single_new_step_is_run_at_once() -> None:
    state = execution()
    found = find(state, "a")
    assert state.next_move() == Resume(found, Execute((1,)))
    assert state.executing is not None
    assert state.next_move() == Wait()


def test_a_step_of_the_server_is_reported_by_its_own_opcode() -> None:
    state = execution()
    find(state, "a", is_local=False)
    move = state.next_move()
    assert reported(move) == [("a", "Sleep")]
    assert state.outcome is move


@pytest.mark.parametrize("kind", ["plan_only", "race"])
def test_a_single_step_is_planned_when_it_must_not_run(kind: str) -> None:
    state = execution(plan_only=kind == "plan_only")
    find(state, "a", race=kind == "race")
    move = state.next_move()
    assert reported(move) == [("a", "StepPlanned")]
    assert isinstance(move, Stop)
    assert move.ops[0].opts == ({"parallelMode": "race"} if kind == "race" else None)


def test_several_new_steps_are_planned_in_the_order_of_the_code() -> None:
    state = execution()
    find(state, "b")
    find(state, "a")
    find(state, "s", is_local=False)
    assert reported(state.next_move()) == [
        ("b", "StepPlanned"),
        ("a", "StepPlanned"),
        ("s", "Sleep"),
    ]


def test_only_the_target_is_run_even_when_planning_only() -> None:
    state = execution(target="b", plan_only=True)
    find(state, "a")
    target = find(state, "b")
    assert state.next_move() == Resume(target, Execute((1,)))


def test_a_target_of_the_server_is_reported() -> None:
    state = execution(target="a")
    find(state, "a", is_local=False)
    assert reported(state.next_move()) == [("a", "Sleep")]


def test_other_steps_than_the_target_are_never_run() -> None:
    state = execution(target="gone")
    found = find(state, "a")
    assert state.next_move() == Lost((found,))
    assert state.outcome is None


def test_known_steps_are_replayed_in_the_order_of_completion() -> None:
    memos = {name: {"data": name} for name in "abcd"}
    state = execution(memos, ["c", "a", "b"])
    found = {name: find(state, name) for name in "dabc"}
    moves = [state.next_move() for _ in found]
    assert moves == [Resume(found[name], Replay(name)) for name in "cabd"]


def test_known_steps_come_before_new_ones() -> None:
    state = execution({"b": {"data": 1}})
    find(state, "a")
    known = find(state, "b")
    assert state.next_move() == Resume(known, Replay(1))


def test_a_recorded_failure_is_replayed() -> None:
    state = execution({"a": {"error": {"message": "no"}}})
    find(state, "a")
    move = state.next_move()
    assert isinstance(move, Resume)
    assert isinstance(move.verdict, Fail)


def test_a_replaced_input_is_a_new_step_with_other_arguments() -> None:
    state = execution({"a": {"input": [9]}})
    found = find(state, "a")
    assert state.next_move() == Resume(found, Execute((9,)))


def test_a_branch_that_is_new_is_left_behind_and_reported_with_the_others() -> None:
    state = execution({"b": {"data": 1}, "i": {"input": []}})
    assert state.skip(find(state, "a")) == Wait()
    known = find(state, "b")
    assert state.skip(known) == Resume(known, Replay(1))
    assert state.skip(find(state, "i")) == Wait()
    assert reported(state.stop_group()) == [("a", "StepPlanned"), ("i", "StepPlanned")]


def test_a_group_without_the_target_is_lost() -> None:
    state = execution(target="gone")
    found = find(state, "a")
    assert state.skip(found) == Wait()
    assert state.stop_group() == Lost((found,))
    assert state.outcome == Lost((found,))


def test_abandoned_steps_are_forgotten() -> None:
    state = execution({"k": {"data": 1}})
    new, known, running = find(state, "a"), find(state, "k"), find(state, "b")
    state.abandon(new)
    state.abandon(known)
    assert state.next_move() == Resume(running, Execute((1,)))
    state.abandon(running)
    assert state.executing is None
    assert state.next_move() == Wait()


def test_the_first_ending_counts() -> None:
    state = execution()
    first = state.complete(find(state, "a"), succeeded(find(state, "b"), "1"))
    assert state.stop() is first
    state.give_up(Lost(()))
    assert state.outcome is first


def test_a_report_replaces_a_loss() -> None:
    state = execution()
    state.give_up(Lost(()))
    assert state.stop() is state.outcome


@pytest.mark.parametrize(
    ("attempt", "max_attempts", "is_retriable", "opcode"),
    [
        (0, 2, True, Opcode.STEP_ERROR),
        (1, 2, True, Opcode.STEP_FAILED),
        (0, 2, False, Opcode.STEP_FAILED),
        (99, None, True, Opcode.STEP_ERROR),
        (0, 0, True, Opcode.STEP_FAILED),
    ],
)
def test_a_failure_is_final_when_no_attempt_can_follow(
    attempt: int, max_attempts: int | None, is_retriable: bool, opcode: Opcode
) -> None:
    facts = CallFacts(attempt=attempt, max_attempts=max_attempts)
    error = ErrorData(code="c", name="n", message="m")
    found = find(execution(), "a")
    op = failed(found, error, facts, is_retriable=is_retriable, retry_after="then")
    assert op.opcode is opcode
    assert op.retry_after == ("then" if opcode is Opcode.STEP_ERROR else None)
