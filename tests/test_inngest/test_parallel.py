"""Parallel code that is not a plain gather: races, clean-up, failing branches, repeated ids."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Generator
from typing import Any

import pytest

import inngest
from inngest import ParallelMode

from .worlds import World

Steps = Generator[Any, Any, Any]


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


def declared(world: World, handler: Any) -> None:
    trigger = inngest.TriggerEvent(event="test/fn")
    world.functions.append(world.client.create_function(fn_id="fn", trigger=trigger)(handler))


@pytest.fixture
def async_world(world: World) -> World:
    if not world.is_async:
        world.kind = "async"
    return world


@pytest.mark.parametrize("way", ["wait", "race"])
def test_a_loser_that_is_still_called_for_is_run(async_world: World, way: str) -> None:
    """The code cancels the loser as soon as it sees the winner; the server calls for both."""
    world = async_world

    async def handler(ctx: inngest.Context) -> list[object]:
        async def quick() -> object:
            return await ctx.step.run("quick", world.step(lambda: "quick"))

        async def slow() -> object:
            return await ctx.step.run("slow", world.step(lambda: "slow"))

        if way == "race":
            both = asyncio.ensure_future(
                ctx.group.parallel((quick, slow), parallel_mode=ParallelMode.RACE)
            )
            await asyncio.wait([both])
            first: object = both.result()[0]
        else:
            tasks = [asyncio.ensure_future(quick()), asyncio.ensure_future(slow())]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            first = next(iter(done)).result()
        return [first, await ctx.step.run("end", world.step(lambda: "end"))]

    declared(world, handler)
    assert world.call().ops == [("StepPlanned", "quick"), ("StepPlanned", "slow")]
    memos = {hashed("quick"): {"data": "quick"}}
    assert world.call(memos=memos, target=hashed("slow")).ops == [("StepRun", "slow")]


def test_a_step_in_a_finally_block_comes_after_the_step_it_follows(world: World) -> None:
    def cleaning(ctx: Any) -> Steps:
        try:
            return (yield ctx.step.run("work", world.step(lambda: 1, "work")))
        finally:
            yield ctx.step.run("clean", world.step(note="clean"))

    def other(ctx: Any) -> Steps:
        return (yield ctx.step.run("other", world.step(lambda: 2, "other")))

    def body(ctx: Any) -> Steps:
        branches = (world.branch(cleaning, ctx), world.branch(other, ctx))
        return list((yield ctx.group.parallel(branches)))

    if world.is_async:
        return  # a generator cannot await while it is closed; the twin below covers it
    world.function(body)
    assert world.call().ops == [("StepPlanned", "work"), ("StepPlanned", "other")]
    assert world.play().body == [1, 2]
    assert world.log.index("work") < world.log.index("clean")
    assert sorted(world.log) == ["clean", "other", "work"]


def test_a_step_behind_a_bare_except_is_not_found_too_early(world: World) -> None:
    if world.is_async:
        return

    def careless() -> object:
        try:
            return ctx_of[0].step.run("a", world.step(lambda: 1))
        except BaseException:
            return ctx_of[0].step.run("b", world.step(lambda: 2))

    ctx_of: list[Any] = []

    def handler(ctx: inngest.ContextSync) -> object:
        ctx_of[:] = [ctx]
        return list(ctx.group.parallel((careless, lambda: 3)))

    declared(world, handler)
    assert world.call().ops == [("StepPlanned", "a")]
    assert world.play().body == [1, 3]


def test_a_group_behind_a_bare_except_is_not_found_too_early(world: World) -> None:
    if world.is_async:
        return

    def careless() -> object:
        ctx = ctx_of[0]
        try:
            return ctx.step.run("a", world.step(lambda: 1))
        except BaseException:
            return ctx.group.parallel((lambda: ctx.step.run("b", world.step(lambda: 2)),))

    ctx_of: list[Any] = []

    def handler(ctx: inngest.ContextSync) -> object:
        ctx_of[:] = [ctx]
        return list(ctx.group.parallel((careless, lambda: 3)))

    declared(world, handler)
    assert world.call().ops == [("StepPlanned", "a")]
    assert world.play().body == [1, 3]


def test_a_failing_branch_leaves_no_steps_of_its_group_behind(world: World) -> None:
    def finding(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(note="a")))

    def failing(ctx: Any) -> Steps:
        yield from ()
        raise ValueError("no")

    def body(ctx: Any) -> Steps:
        try:
            yield ctx.group.parallel((world.branch(finding, ctx), world.branch(failing, ctx)))
        except ValueError:
            return (yield ctx.step.run("compensate", world.step(lambda: "done")))

    world.function(body)
    assert world.call().ops == [("StepRun", "compensate")]
    assert world.play().body == "done"
    assert world.log == []


def test_a_group_ends_whose_branch_handles_the_failure_of_an_inner_group(world: World) -> None:
    """Nothing is to be reported of the inner group: the call must not end for it."""

    def finding(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(note="a")))

    def failing(ctx: Any) -> Steps:
        yield from ()
        raise ValueError("no")

    def handling(ctx: Any) -> Steps:
        try:
            yield ctx.group.parallel((world.branch(finding, ctx), world.branch(failing, ctx)))
        except ValueError:
            return "handled"

    def body(ctx: Any) -> Steps:
        (outcome,) = yield ctx.group.parallel((world.branch(handling, ctx),))
        return outcome

    world.function(body)
    assert world.call().body == "handled"
    assert world.log == []


def test_a_step_is_tried_again_although_another_branch_has_failed_meanwhile(world: World) -> None:
    """The code handles the failure and would end: the run does not fail for the other branch."""

    def failing(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step()))

    def retried(ctx: Any) -> Steps:
        return (yield ctx.step.run("b", world.step(lambda: 2)))

    def body(ctx: Any) -> Steps:
        try:
            yield ctx.group.parallel((world.branch(failing, ctx), world.branch(retried, ctx)))
        except inngest.StepError as error:
            return error.message

    world.function(body)
    memos: Any = {hashed("a"): {"error": {"name": "ValueError", "message": "no"}}}
    assert world.call(target=hashed("b"), memos=memos, attempt=1).ops == [("StepRun", "b")]
    assert world.call(memos={**memos, hashed("b"): {"data": 2}}).body == "no"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup is new in Python 3.11")
def test_a_step_that_failed_for_good_fails_its_task_group_for_good(async_world: World) -> None:
    world = async_world

    async def handler(ctx: inngest.Context) -> None:
        if sys.version_info >= (3, 11):
            async with asyncio.TaskGroup() as group:
                group.create_task(ctx.step.run("a", world.step()))
                group.create_task(ctx.step.run("b", world.step()))

    declared(world, handler)
    error = {"name": "ValueError", "message": "no"}
    memos = {hashed("a"): {"data": 1}, hashed("b"): {"error": error}}
    reply = world.call(memos=memos)
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")


def test_gathered_steps_of_one_id_are_told_apart_by_their_order(async_world: World) -> None:
    world = async_world
    ran: list[int] = []

    def work(n: int) -> int:
        ran.append(n)
        return n

    async def handler(ctx: inngest.Context) -> list[object]:
        charge = world.step(work)
        return list(await asyncio.gather(*(ctx.step.run("charge", charge, n) for n in range(5))))

    declared(world, handler)
    assert world.play().body == [0, 1, 2, 3, 4]
    assert sorted(ran) == [0, 1, 2, 3, 4]
