"""Memos keep their wire format, except for changes."""

from __future__ import annotations

import pytest

from inngest._internal.middleware.memos import MemoizedError, MemoizedOutput, StepMemos

FAILED = {"error": {"name": "OddError", "message": "odd", "stack": "at x", "cause": {}}}


@pytest.mark.parametrize(
    "raw",
    [None, 1, "text", [], {}, {"data": None}, {"data": {"a": 1}, "error": None}, {"a": 1},
     {"error": "text"}, {"error": {"name": "OddError"}}, FAILED],
)  # fmt: skip
def test_what_was_only_read_stays_as_it_came(raw: object) -> None:
    memos = StepMemos.from_raw({"step": raw})
    for output in memos.values():
        assert isinstance(output, MemoizedOutput)
    assert memos.to_raw()["step"] is raw


@pytest.mark.parametrize(("raw", "changed"), [(1, True), ({"data": 1}, {"data": True})])
def test_an_equal_value_of_another_type_is_a_change(raw: object, changed: object) -> None:
    memos = StepMemos.from_raw({"step": raw})
    for output in memos.values():
        output.data = True
    assert repr(memos.to_raw()) == repr({"step": changed})


def test_an_error_can_be_changed() -> None:
    memos = StepMemos.from_raw({"step": FAILED})
    for output in memos.values():
        assert output.error is not None
        assert output.error == MemoizedError(name="OddError", message="odd", stack="at x")
        output.error.message = "other"
    error = {"name": "OddError", "message": "other", "stack": "at x"}
    assert memos.to_raw() == {"step": {"error": error}}


def test_only_outputs_of_a_type_are_given_to_who_asks_for_it() -> None:
    raw = {"nap": None, "text": {"data": "text"}, "failed": FAILED, "made": {"data": {"a": 1}}}
    memos = StepMemos.from_raw({**raw, "event": {"name": "e", "data": {}}})
    for output in memos.values(of=str):
        output.data = {"now": "another"}
    found = [output.data for output in memos.values(of=dict)]
    assert found == [{"now": "another"}, {"a": 1}, {"name": "e", "data": {}}]
    assert [output.data for output in memos.values(of=MemoizedError)] == []
