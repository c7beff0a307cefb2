from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from selectors import DefaultSelector
from typing import Any

import pytest

from inngest._internal.conftest import invocation, invoked
from inngest._internal.engine.execution import CallFacts, Execution, Lost, Stop
from inngest._internal.engine.journal import hash_id
from inngest._internal.errors import StepError, StepNestedError, UnknownError
from inngest._internal.event import Event
from inngest._internal.flow import Outcome, Raised, Returned
from inngest._internal.op import Op
from inngest._internal.runtime import async_run
from inngest._internal.runtime.drivers import AsyncDriver
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.step.context import Context

Handler = Callable[[Context], Awaitable[object]]


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


async def call(handler: Handler, state: Execution) -> Outcome[object]:
    outcome = await asyncio.wait_for(
        AsyncDriver(HTTPClients()).run(invoked(invocation(state, handler))), 60
    )
    assert isinstance(outcome, Returned | Raised)
    return outcome


async def play(handler: Handler, state: Execution) -> Outcome[object]:
    """Run a call, and check that the event loop is left as it was."""
    loop = asyncio.get_running_loop()
    before, factory = asyncio.all_tasks(), loop.get_task_factory()
    outcome = await call(handler, state)
    assert asyncio.all_tasks() == before
    assert loop.get_task_factory() is factory
    return outcome


def run(handler: Handler, state: Execution) -> Outcome[object]:
    return asyncio.run(play(handler, state))


def ops(state: Execution) -> list[tuple[str, str]]:
    assert isinstance(state.outcome, Stop)
    return [(op.step.id, op.opcode.value) for op in state.outcome.ops]


def only_op(state: Execution) -> Op:
    assert isinstance(state.outcome, Stop)
    (op,) = state.outcome.ops
    return op


async def value() -> str:
    return "value"


async def one(ctx: Context, name: str) -> str:
    return await ctx.step.run(name, value)


async def with_gather(ctx: Context) -> object:
    return await asyncio.gather(one(ctx, "a"), one(ctx, "b"))


async def with_group(ctx: Context) -> object:
    return list(await ctx.group.parallel((lambda: one(ctx, "a"), lambda: one(ctx, "b"))))


async def with_wait(ctx: Context) -> object:
    tasks = [asyncio.ensure_future(one(ctx, name)) for name in "ab"]
    await asyncio.wait(tasks)
    return [task.result() for task in tasks]


async def with_as_completed(ctx: Context) -> object:
    return [await each for each in asyncio.as_completed([one(ctx, "a"), one(ctx, "b")])]


async def with_task_group(ctx: Context) -> object:
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ctx, name)) for name in "ab"]
        return [task.result() for task in tasks]
    return await with_gather(ctx)


PARALLEL = pytest.mark.parametrize(
    "handler", [with_gather, with_group, with_wait, with_as_completed, with_task_group]
)


@pytest.fixture(autouse=True, params=["asyncio", "another"])
def loop_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Only asyncio's own loops reveal whether anything is ready to run."""
    kind: str = request.param
    if kind == "another":
        monkeypatch.setattr(async_run, "runnable_on", lambda _loop: ("something, perhaps",))
    return kind


class Held:
    """An object to which a function's variable refers."""


@pytest.mark.parametrize("handler", [one, with_gather, with_group, with_wait])
def test_a_call_that_is_ended_leaves_nothing_to_the_garbage_collector(
    handler: Callable[..., Awaitable[object]],
) -> None:
    """Thousands of calls with thousands of branches would leave many objects for the collector."""
    held: list[weakref.ref[Held]] = []

    async def holding(ctx: Context) -> object:
        mine = Held()
        held.append(weakref.ref(mine))
        return await (handler(ctx, "a") if handler is one else handler(ctx))

    gc.collect()
    gc.disable()
    try:
        for state in (execution(), execution(target="a"), execution({"a": {"data": 1}})):
            run(holding, state)
        assert [each() for each in held] == [None, None, None]
    finally:
        gc.enable()


@PARALLEL
def test_steps_awaited_together_are_planned_together(handler: Handler) -> None:
    state = execution()
    run(handler, state)
    assert sorted(ops(state)) == [("a", "StepPlanned"), ("b", "StepPlanned")]


@PARALLEL
def test_only_the_target_of_parallel_steps_runs(handler: Handler) -> None:
    state = execution(target="b")
    run(handler, state)
    assert ops(state) == [("b", "StepRun")]


@PARALLEL
def test_parallel_steps_are_replayed(handler: Handler) -> None:
    state = execution({"a": {"data": 1}, "b": {"data": 2}}, ["a", "b"])
    assert run(handler, state) == Returned([1, 2])
    assert state.outcome is None


@pytest.mark.parametrize("winner", ["a", "b"])
def test_wait_for_the_first_sees_the_winner_that_was_recorded(winner: str) -> None:
    async def handler(ctx: Context) -> object:
        tasks = {name: asyncio.ensure_future(one(ctx, name)) for name in "ab"}
        done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        (first,) = done
        return first.result()

    stack = [winner, "b" if winner == "a" else "a"]
    state = execution({"a": {"data": "a"}, "b": {"data": "b"}}, stack)
    assert run(handler, state) == Returned(winner)


def test_code_may_await_things_of_its_own_between_steps() -> None:
    async def handler(ctx: Context) -> object:
        await asyncio.sleep(0.01)
        first = await one(ctx, "a")
        await asyncio.sleep(0.01)
        await asyncio.gather(asyncio.sleep(0.01), asyncio.sleep(0))
        return [first, await one(ctx, "b")]

    state = execution({"a": {"data": 1}})
    run(handler, state)
    assert ops(state) == [("b", "StepRun")]
    done = execution({"a": {"data": 1}, "b": {"data": 2}})
    assert run(handler, done) == Returned([1, 2])


def test_finally_blocks_run_once_in_every_task() -> None:
    left: list[str] = []

    async def branch(ctx: Context, name: str) -> None:
        try:
            await one(ctx, name)
        finally:
            await asyncio.sleep(0)
            left.append(name)

    async def handler(ctx: Context) -> None:
        try:
            await asyncio.gather(branch(ctx, "a"), branch(ctx, "b"))
        finally:
            left.append("main")

    run(handler, execution())
    assert sorted(left) == ["a", "b", "main"]


def test_tasks_are_ended_in_the_order_in_which_they_began() -> None:
    left: list[int] = []

    async def branch(ctx: Context, number: int) -> None:
        try:
            await one(ctx, f"step {number}")
        finally:
            left.append(number)

    async def handler(ctx: Context) -> None:
        tasks = [asyncio.create_task(branch(ctx, number)) for number in range(20)]
        await asyncio.sleep(0)
        await tasks[0]

    run(handler, execution())
    assert left == list(range(20))


def test_a_background_task_does_not_outlive_the_call() -> None:
    async def handler(ctx: Context) -> str:
        task = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        assert not task.done()
        return "done"

    assert run(handler, execution()) == Returned("done")


def test_a_task_that_swallows_its_cancellation_once_ends_too() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    async def handler(ctx: Context) -> str:
        asyncio.create_task(stubborn())  # noqa: RUF006
        await asyncio.sleep(0)
        return "done"

    assert run(handler, execution()) == Returned("done")


def test_a_step_in_finally_does_not_hang_the_end_of_a_call() -> None:
    async def handler(ctx: Context) -> None:
        try:
            await one(ctx, "a")
        finally:
            await one(ctx, "cleanup")

    state = execution()
    run(handler, state)
    assert ops(state) == [("a", "StepRun")]


def test_code_that_swallows_every_exception_still_reports_its_step() -> None:
    async def handler(ctx: Context) -> object:
        try:
            return await one(ctx, "a")
        except BaseException:
            return "swallowed"

    state = execution()
    run(handler, state)
    assert ops(state) == [("a", "StepRun")]


def test_code_that_swallows_every_cancellation_still_reports_its_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(async_run, "UNWIND_SECONDS", 0.001)

    async def handler(ctx: Context) -> object:
        try:
            return await one(ctx, "a")
        finally:
            for _ in range(async_run.UNWIND_ROUNDS):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)

    state = execution()
    asyncio.run(call(handler, state))
    assert ops(state) == [("a", "StepRun")]
    assert "does not end when cancelled" in caplog.text


def test_a_step_that_a_cancelled_task_waits_for_is_not_reported() -> None:
    async def handler(ctx: Context) -> object:
        task = asyncio.create_task(one(ctx, "a"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await one(ctx, "b")

    state = execution()
    run(handler, state)
    assert ops(state) == [("b", "StepRun")]


def test_the_next_step_runs_after_one_whose_handler_was_cut_off() -> None:
    async def forever() -> None:
        await asyncio.sleep(3600)

    async def handler(ctx: Context) -> object:
        try:
            await asyncio.wait_for(ctx.step.run("a", forever), 0.02)
        except asyncio.TimeoutError:
            return await one(ctx, "b")
        return "not timed out"

    state = execution()
    run(handler, state)
    assert ops(state) == [("b", "StepRun")]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout is new in 3.11")
def test_a_timeout_around_a_handler_is_an_ordinary_timeout() -> None:
    async def forever() -> None:
        await asyncio.sleep(3600)

    async def handler(ctx: Context) -> object:
        if sys.version_info >= (3, 11):
            try:
                async with asyncio.timeout(0.02):
                    await ctx.step.run("a", forever)
            except TimeoutError:
                return "timed out"
        return "not timed out"

    state = execution()
    assert run(handler, state) == Returned("timed out")
    assert state.outcome is None


def test_exit_in_the_function_is_an_error_and_the_loop_lives() -> None:
    async def handler(ctx: Context) -> object:
        sys.exit(3)

    outcome = run(handler, execution())
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, UnknownError)


def test_exit_in_a_task_of_the_function_is_an_error_and_the_loop_lives() -> None:
    async def exiting() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    async def handler(ctx: Context) -> object:
        return await asyncio.gather(exiting())

    outcome = run(handler, execution())
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, UnknownError)


def test_a_task_that_is_cancelled_before_it_starts_leaves_no_warning() -> None:
    async def handler(ctx: Context) -> object:
        task = asyncio.create_task(one(ctx, "a"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return "done"

    assert run(handler, execution()) == Returned("done")


def test_exit_in_a_step_is_a_failed_step_and_the_loop_lives() -> None:
    async def exiting() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    async def handler(ctx: Context) -> object:
        return await ctx.step.run("a", exiting)

    state = execution()
    run(handler, state)
    assert ops(state) == [("a", "StepError")]


def test_a_function_that_cancels_itself_is_an_error() -> None:
    async def handler(ctx: Context) -> object:
        raise asyncio.CancelledError

    assert isinstance(run(handler, execution()), Raised)


@pytest.mark.parametrize("kind", ["run", "sleep", "wait_for_event", "send_event"])
def test_every_kind_of_step_inside_a_step_is_refused(kind: str) -> None:
    async def handler(ctx: Context) -> object:
        async def outer() -> object:
            if kind == "run":
                return await ctx.step.run("inner", value)
            if kind == "sleep":
                await ctx.step.sleep("inner", 1)
                return None
            if kind == "send_event":
                return await ctx.step.send_event("inner", Event(name="e"))
            return await ctx.step.wait_for_event("inner", event="e", timeout=1000)

        return await ctx.step.run("outer", outer)

    state = execution()
    run(handler, state)
    op = only_op(state)
    assert (op.step.id, op.opcode.value, op.is_retriable) == ("outer", "StepFailed", False)
    assert op.error is not None
    assert op.error.name == StepNestedError.__name__


def test_a_step_in_a_task_of_a_step_is_refused() -> None:
    async def handler(ctx: Context) -> object:
        async def outer() -> object:
            return await asyncio.create_task(one(ctx, "inner"))

        return await ctx.step.run("outer", outer)

    state = execution()
    run(handler, state)
    assert ops(state) == [("outer", "StepFailed")]


def test_a_recorded_failure_is_raised_at_the_step() -> None:
    async def handler(ctx: Context) -> object:
        try:
            return await one(ctx, "a")
        except StepError as error:
            return [error.name, error.message]

    failure = {"error": {"name": "ValueError", "message": "no"}}
    assert run(handler, execution({"a": failure})) == Returned(["ValueError", "no"])


@pytest.mark.parametrize("handler", [with_gather, lambda ctx: one(ctx, "a")])
def test_a_target_that_is_not_there_is_lost(handler: Handler) -> None:
    async_run_grace = async_run.TARGET_GRACE
    async_run.TARGET_GRACE = 0.02
    try:
        state = execution(target="gone")
        run(handler, state)
    finally:
        async_run.TARGET_GRACE = async_run_grace
    assert isinstance(state.outcome, Lost)


def test_two_calls_on_one_loop_restore_its_task_factory() -> None:
    made: list[str] = []

    def factory(loop: Any, coro: Any, **options: Any) -> Any:
        made.append("task")
        return asyncio.Task(coro, loop=loop, **options)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        first, second = execution(), execution({"a": {"data": 1}, "b": {"data": 2}})
        await asyncio.gather(call(with_gather, first), call(with_group, second))
        assert loop.get_task_factory() is factory
        assert len(ops(first)) == 2
        assert second.outcome is None

    asyncio.run(main())
    assert made


def test_a_step_waits_for_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[object] = []

    async def handler(ctx: Context) -> None:
        loop = asyncio.get_running_loop()
        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_at", lambda when, *_args, **_options: timers.append(when))
            patch.setattr(loop, "call_later", loop.call_at)
            for n in range(20):
                await asyncio.gather(*(one(ctx, f"{n}.{k}") for k in range(5)))

    memos = {f"{n}.{k}": {"data": 1} for n in range(20) for k in range(5)}
    assert isinstance(run(handler, execution(memos)), Returned)
    assert timers == []


class CountingSelector(DefaultSelector):
    """A selector that counts the iterations of its loop."""

    turns = 0

    def select(self, timeout: float | None = None) -> Any:
        self.turns += 1
        return super().select(timeout)


def turns(handler: Handler, state: Execution) -> int:
    selector = CountingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    try:
        loop.run_until_complete(call(handler, state))
        return selector.turns
    finally:
        loop.close()


def test_where_nothing_else_is_about_to_run_rest_is_seen_at_once(loop_kind: str) -> None:
    names = [f"step-{number}" for number in range(50)]

    async def handler(ctx: Context) -> object:
        return await asyncio.gather(*(one(ctx, name) for name in names))

    taken = turns(handler, execution({name: {"data": 1} for name in names}, names))
    assert taken in {"asyncio": range(50, 250), "another": range(400, 600)}[loop_kind]
