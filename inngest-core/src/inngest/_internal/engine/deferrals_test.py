from __future__ import annotations

from inngest._internal.engine.deferrals import Deferrals
from inngest._internal.engine.journal import hash_id
from inngest._internal.op import Opcode, StepCall, StepID


def call(step_id: str) -> StepCall:
    return StepCall.for_server(step_id, Opcode.DEFER_ADD, opts={"fn_slug": "app-fn", "input": {}})


def step(step_id: str, index: int = 0) -> StepID:
    name = f"{step_id}:{index}" if index else step_id
    return StepID(id=step_id, index=index, hashed=hash_id(name))


def told(deferrals: Deferrals) -> list[tuple[Opcode, str]]:
    return [(op.opcode, op.step.hashed) for op in deferrals.unreported]


def test_what_the_server_knows_is_not_told_again() -> None:
    deferrals = Deferrals({hash_id("a"): True, hash_id("b"): False})
    for name in ("a", "b", "c", "c"):
        deferrals.add(step(name), call(name))
    assert told(deferrals) == [(Opcode.DEFER_ADD, hash_id("c"))]


def test_only_what_the_server_knows_and_can_take_back_is_aborted() -> None:
    deferrals = Deferrals({hash_id("known"): True, hash_id("gone"): False})
    deferrals.add(step("new"), call("new"))
    for name in ("known", "known", "gone", "new"):
        deferrals.abort(step(name))
    assert told(deferrals) == [(Opcode.DEFER_ABORT, hash_id("known-abort"))]
    (op,) = deferrals.unreported
    assert op.opts == {"target_hashed_id": hash_id("known")}


def test_what_was_told_is_not_told_again_and_can_be_taken_back() -> None:
    deferrals = Deferrals()
    deferrals.add(step("a"), call("a"))
    deferrals.note_reported()
    deferrals.add(step("a"), call("a"))
    assert told(deferrals) == []
    deferrals.abort(step("a"))
    assert told(deferrals) == [(Opcode.DEFER_ABORT, hash_id("a-abort"))]
    deferrals.note_reported()
    deferrals.abort(step("a"))
    assert told(deferrals) == []


def test_where_nobody_says_what_the_server_knows_a_call_is_taken_back_in_any_case() -> None:
    deferrals = Deferrals(None)
    for name in ("a", "b"):
        deferrals.add(step(name), call(name))
    for _ in range(2):
        deferrals.abort(step("a"))
    assert told(deferrals) == [
        (Opcode.DEFER_ADD, hash_id("b")),
        (Opcode.DEFER_ABORT, hash_id("a-abort")),
    ]


def test_repeated_ids_are_aborted_one_by_one() -> None:
    steps = [step("a", index) for index in range(3)]
    deferrals = Deferrals({each.hashed: True for each in steps})
    for each in steps:
        deferrals.abort(each)
    assert [op.opts for op in deferrals.unreported] == [
        {"target_hashed_id": hash_id(name)} for name in ("a", "a:1", "a:2")
    ]
    assert len({op.step.hashed for op in deferrals.unreported}) == 3
