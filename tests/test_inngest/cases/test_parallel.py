"""A parallel group runs every branch once, whatever the branches are made of."""

from __future__ import annotations

from typing import Any

from ..live import BrokenError, World, fails


def test_every_branch_runs_once(world: World) -> None:
    names = ("a", "b", "c")

    def body(ctx: Any) -> Any:
        branches = tuple(
            lambda name=name: ctx.step.run(name, world.step(name, lambda: name)) for name in names
        )
        found = yield ctx.group.parallel(branches)
        return (yield ctx.step.run("join", world.step("join", lambda: "".join(found))))

    world.function("parallel", body)
    run = world.run("parallel")
    assert (run.status, run.output) == ("Completed", "abc")
    assert sorted(world.calls) == ["a", "b", "c", "join"]
    assert world.calls[-1] == "join"


def test_branches_of_several_steps(world: World) -> None:
    """Each branch is a sequence: its second step sees the result of its first."""

    def body(ctx: Any) -> Any:
        def branch(name: str) -> Any:
            def steps(ctx: Any) -> Any:
                first = yield ctx.step.run(f"{name}1", world.step(f"{name}1", lambda: name))
                second = world.step(f"{name}2", lambda: first * 2)
                return (yield ctx.step.run(f"{name}2", second))

            return world.branch(steps, ctx)

        return list((yield ctx.group.parallel((branch("a"), branch("b")))))

    world.function("branches", body)
    run = world.run("branches")
    assert (run.status, run.output) == ("Completed", ["aa", "bb"])
    assert sorted(world.calls) == ["a1", "a2", "b1", "b2"]


def test_groups_one_after_the_other(world: World) -> None:
    def body(ctx: Any) -> Any:
        total = 0
        for round_ in range(2):
            branches = tuple(
                lambda step=f"{round_}{name}": ctx.step.run(step, world.step(step, lambda: 1))
                for name in "ab"
            )
            total += sum((yield ctx.group.parallel(branches)))
        return total

    world.function("groups", body)
    run = world.run("groups")
    assert (run.status, run.output) == ("Completed", 4)
    assert sorted(world.calls) == ["0a", "0b", "1a", "1b"]


def test_a_branch_that_fails_is_retried_alone(world: World) -> None:
    attempts: list[int] = []

    def sometimes(attempt: int) -> str:
        attempts.append(attempt)
        return fails(BrokenError("not yet")) if attempt == 0 else "at last"

    def body(ctx: Any) -> Any:
        work = world.step("bad", lambda: sometimes(ctx.attempt))
        branches = (
            lambda: ctx.step.run("good", world.step("good", lambda: "fine")),
            lambda: ctx.step.run("bad", work),
        )
        return list((yield ctx.group.parallel(branches)))

    world.function("uneven", body)
    run = world.run("uneven")
    assert (run.status, run.output) == ("Completed", ["fine", "at last"])
    assert world.calls.count("good") == 1
    assert attempts == [0, 1]


def test_steps_of_other_kinds_in_a_group(world: World) -> None:
    def body(ctx: Any) -> Any:
        branches = (
            lambda: ctx.step.run("work", world.step("work", lambda: "done")),
            lambda: ctx.step.sleep("nap", world.pause),
        )
        return list((yield ctx.group.parallel(branches)))

    world.function("mixed", body)
    run = world.run("mixed")
    assert (run.status, run.output) == ("Completed", ["done", None])
    assert world.calls == ["work"]
