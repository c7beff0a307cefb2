from __future__ import annotations

import hashlib

import pytest

from inngest._internal.engine.journal import (
    Failure,
    Journal,
    ReplacedInput,
    hash_id,
    read_memo,
)
from inngest._internal.op import Opcode
from inngest._internal.types import UNSET

RUN = Opcode.STEP_RUN


def ids(*names: str) -> list[str]:
    journal = Journal({})
    return [journal.identify(name)[1] for name in names]


def test_the_first_use_of_an_id_is_hashed_as_it_is() -> None:
    assert ids("a") == [hashlib.sha1(b"a").hexdigest()]
    assert ids("é") == [hashlib.sha1("é".encode()).hexdigest()]


def test_repeats_are_counted_from_one() -> None:
    assert ids("a", "b", "a", "a") == [hash_id(name) for name in ("a", "b", "a:1", "a:2")]


@pytest.mark.parametrize(
    "names",
    [("a", "a", "a:1"), ("a:1", "a", "a"), ("a", "a:1", "a", "a"), ("a", "a", "a:1", "a:1")],
)
def test_an_explicit_id_never_collides_with_a_repeat(names: tuple[str, ...]) -> None:
    assert len(set(ids(*names))) == len(names)
    assert ids(*names) == ids(*names)


def test_an_id_keeps_the_index_of_its_use() -> None:
    journal = Journal({})
    assert [journal.identify("a")[0] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("name", ["", "\ud800", "\0", "x" * 100_000])
def test_any_text_is_an_id(name: str) -> None:
    assert len(hash_id(name)) == 40


NAMELESS = {"message": "no"}


@pytest.mark.parametrize(
    ("opcode", "raw", "memo"),
    [
        (RUN, {"data": 1}, 1),
        (RUN, {"data": None}, None),
        (RUN, {"data": {"error": {"message": "x"}}}, {"error": {"message": "x"}}),
        (RUN, {"data": 1, "extra": True}, 1),
        (RUN, {"data": 1, "error": None}, 1),
        (RUN, {"error": NAMELESS}, Failure(name="Error", message="no")),
        (RUN, {"error": NAMELESS, "data": None}, Failure(name="Error", message="no")),
        (RUN, {"error": NAMELESS, "extra": 1}, Failure(name="Error", message="no")),
        (RUN, {"error": {**NAMELESS, "x": 1}}, Failure(name="Error", message="no")),
        (RUN, {"error": {"name": "E", "stack": "s"}}, Failure(name="E", message="", stack="s")),
        (RUN, {"error": {"name": None, "stack": 1}}, Failure(name="Error", message="")),
        (RUN, {"error": "text"}, Failure(name="Error", message="text")),
        (
            RUN,
            {"error": {"name": "E", "message": "m", "noRetry": True}},
            Failure(name="E", message="m", is_retriable=False),
        ),
        (RUN, {"error": {"name": "E", "noRetry": 1}}, Failure(name="E", message="")),
        (RUN, {"input": [1, 2]}, ReplacedInput((1, 2))),
        (RUN, {"input": []}, ReplacedInput(())),
        (RUN, None, None),
        (RUN, [1], [1]),
        (Opcode.SLEEP, None, None),
        (Opcode.WAIT_FOR_EVENT, None, None),
        (Opcode.WAIT_FOR_EVENT, {"error": NAMELESS}, Failure(name="Error", message="no")),
        (
            Opcode.WAIT_FOR_EVENT,
            {"name": "e", "data": {}, "error": "x"},
            {"name": "e", "data": {}, "error": "x"},
        ),
        (Opcode.INVOKE, {"data": 1}, 1),
        (Opcode.INVOKE, {"error": NAMELESS}, Failure(name="Error", message="no")),
    ],
)
def test_what_a_memo_says(opcode: Opcode, raw: object, memo: object) -> None:
    assert read_memo(raw, opcode) == memo


def test_an_invoked_function_that_was_cancelled_is_a_failure() -> None:
    raw = {"name": "inngest/function.finished", "data": {"result": None}}
    memo = read_memo(raw, Opcode.INVOKE)
    assert isinstance(memo, Failure)
    assert memo.name == "InvokeCancelledError"


def test_completed_steps_keep_their_order_and_unknown_ones_come_last() -> None:
    a, b = hash_id("a"), hash_id("b")
    journal = Journal({a: 1, b: 2}, [b, a])
    first, second, third = (journal.identify(name)[1] for name in "abc")
    assert sorted([third, first, second], key=journal.position) == [second, first, third]
    assert first in journal
    assert third not in journal
    assert journal.memo(third, RUN) is UNSET
