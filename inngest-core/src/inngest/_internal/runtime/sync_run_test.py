from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from inngest._internal.conftest import invocation, invoked
from inngest._internal.engine.execution import CallFacts, Execution, Lost, Stop
from inngest._internal.engine.journal import hash_id
from inngest._internal.errors import StepError, StepNestedError, UnknownError
from inngest._internal.flow import Outcome, Raised, Returned
from inngest._internal.op import Op
from inngest._internal.runtime.drivers import SyncDriver
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.step.context import ContextSync
from inngest._internal.step.group import ParallelMode

Handler = Callable[[ContextSync], object]


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


def run(handler: Handler, state: Execution) -> Outcome[object]:
    outcome = SyncDriver(HTTPClients()).run(invoked(invocation(state, handler)))
    assert isinstance(outcome, Returned | Raised)
    return outcome


def ops(state: Execution) -> list[tuple[str, str]]:
    assert isinstance(state.outcome, Stop)
    return [(op.step.id, op.opcode.value) for op in state.outcome.ops]


def only_op(state: Execution) -> Op:
    assert isinstance(state.outcome, Stop)
    (op,) = state.outcome.ops
    return op


def one(ctx: ContextSync, name: str) -> object:
    return ctx.step.run(name, lambda: "value")


def parallel(ctx: ContextSync) -> object:
    return list(ctx.group.parallel((lambda: one(ctx, "a"), lambda: one(ctx, "b"))))


def nested(ctx: ContextSync) -> object:
    return list(ctx.group.parallel((lambda: parallel(ctx), lambda: one(ctx, "c"))))


def test_a_serial_step_runs_at_once_and_ends_the_call() -> None:
    state = execution()
    run(lambda ctx: [one(ctx, "a"), one(ctx, "b")], state)
    assert ops(state) == [("a", "StepRun")]


def test_replayed_steps_give_their_values() -> None:
    state = execution({"a": {"data": 1}, "b": {"data": 2}})
    assert run(lambda ctx: [one(ctx, "a"), one(ctx, "b")], state) == Returned([1, 2])
    assert state.outcome is None


def test_a_group_plans_the_steps_of_all_branches() -> None:
    state = execution()
    run(parallel, state)
    assert ops(state) == [("a", "StepPlanned"), ("b", "StepPlanned")]


def test_a_nested_group_plans_the_steps_of_all_branches() -> None:
    state = execution()
    run(nested, state)
    assert [name for name, _ in ops(state)] == ["a", "b", "c"]


@pytest.mark.parametrize("target", ["a", "b", "c"])
def test_the_target_in_a_nested_group_runs(target: str) -> None:
    state = execution(target=target)
    run(nested, state)
    assert ops(state) == [(target, "StepRun")]


def test_the_values_of_a_nested_group_keep_the_order_of_the_branches() -> None:
    state = execution({name: {"data": name} for name in "abc"}, ["c", "b", "a"])
    assert run(nested, state) == Returned([["a", "b"], "c"])


def test_a_race_marks_the_steps_of_the_group() -> None:
    state = execution()

    def handler(ctx: ContextSync) -> object:
        branches = tuple(partial(one, ctx, name) for name in "ab")
        return ctx.group.parallel(branches, parallel_mode=ParallelMode.RACE)

    run(handler, state)
    assert isinstance(state.outcome, Stop)
    assert [op.opts for op in state.outcome.ops] == [{"parallelMode": "race"}] * 2


@pytest.mark.parametrize("memo", ["missing", "there"])
def test_a_target_that_is_not_in_the_group_never_shortens_its_result(memo: str) -> None:
    memos = {"a": {"data": 1}, "b": {"data": 2}} if memo == "there" else {}
    state = execution(memos, target="gone")
    outcome = run(parallel, state)
    if memo == "there":
        assert outcome == Returned([1, 2])
    else:
        assert isinstance(state.outcome, Lost)


def test_a_replaced_input_in_an_earlier_branch_does_not_hide_the_target() -> None:
    state = execution({"a": {"input": [1]}}, target="b")
    run(parallel, state)
    assert ops(state) == [("b", "StepRun")]


def test_a_replaced_input_is_what_the_handler_is_given() -> None:
    given: list[int] = []
    state = execution({"a": {"input": [7]}})
    run(lambda ctx: ctx.step.run("a", given.append, 1), state)
    assert given == [7]


def test_a_failure_in_a_branch_is_raised_by_the_group() -> None:
    def handler(ctx: ContextSync) -> object:
        try:
            return parallel(ctx)
        except StepError as error:
            return error.message

    state = execution({"a": {"error": {"message": "no"}}, "b": {"data": 1}})
    assert run(handler, state) == Returned("no")


@pytest.mark.parametrize("is_nested", [False, True])
def test_the_target_runs_although_a_branch_before_it_has_failed(is_nested: bool) -> None:
    def handler(ctx: ContextSync) -> object:
        with contextlib.suppress(StepError):
            return nested(ctx) if is_nested else parallel(ctx)
        return "handled"

    target = "c" if is_nested else "b"
    state = execution({"a": {"error": {"message": "no"}}}, target=target)
    run(handler, state)
    assert ops(state) == [(target, "StepRun")]


def test_code_that_swallows_every_exception_still_reports_its_step() -> None:
    def handler(ctx: ContextSync) -> object:
        with contextlib.suppress(BaseException):
            one(ctx, "a")
        try:
            return one(ctx, "b")
        except BaseException:
            return "swallowed"

    state = execution()
    run(handler, state)
    assert ops(state) == [("a", "StepRun")]


@pytest.mark.parametrize("is_nested", [False, True])
def test_branches_that_swallow_every_exception_are_still_planned(is_nested: bool) -> None:
    def swallowing(ctx: ContextSync, name: str) -> object:
        try:
            return parallel(ctx) if is_nested else one(ctx, name)
        except BaseException:
            return "swallowed"

    def handler(ctx: ContextSync) -> object:
        return ctx.group.parallel(tuple(partial(swallowing, ctx, name) for name in "xy"))

    state = execution()
    run(handler, state)
    planned = ["a", "b", "a", "b"] if is_nested else ["x", "y"]
    assert ops(state) == [(name, "StepPlanned") for name in planned]


def test_exit_in_the_function_is_an_error() -> None:
    outcome = run(lambda ctx: sys.exit(3), execution())
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, UnknownError)


def test_exit_in_a_step_is_a_failed_step() -> None:
    state = execution()
    run(lambda ctx: ctx.step.run("a", lambda: sys.exit(3)), state)
    assert ops(state) == [("a", "StepError")]


@pytest.mark.parametrize("is_in_thread", [False, True])
@pytest.mark.parametrize("kind", ["run", "sleep", "wait_for_event"])
def test_every_kind_of_step_inside_a_step_is_refused(kind: str, is_in_thread: bool) -> None:
    def handler(ctx: ContextSync) -> object:
        def inner() -> object:
            if kind == "run":
                return one(ctx, "inner")
            if kind == "sleep":
                return ctx.step.sleep("inner", 1)  # type: ignore[func-returns-value]
            return ctx.step.wait_for_event("inner", event="e", timeout=1000)

        def in_thread() -> None:
            errors: list[BaseException] = []

            def target() -> None:
                try:
                    inner()
                except BaseException as error:
                    errors.append(error)

            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
            raise errors[0]

        return ctx.step.run("outer", in_thread if is_in_thread else inner)

    state = execution()
    run(handler, state)
    op = only_op(state)
    assert (op.step.id, op.opcode.value, op.is_retriable) == ("outer", "StepFailed", False)
    assert op.error is not None
    assert op.error.name == StepNestedError.__name__
