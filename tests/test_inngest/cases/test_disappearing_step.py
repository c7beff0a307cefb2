"""A step that is not asked for again harms nobody."""

from __future__ import annotations

from typing import Any

from ..live import World


def test_a_finished_step_that_is_gone_in_the_next_call(world: World) -> None:
    """Code that changes between calls: the next version has another step instead."""
    calls = {"body": 0}

    def body(ctx: Any) -> Any:
        calls["body"] += 1
        name = "old" if calls["body"] == 1 else "new"
        return (yield ctx.step.run(name, world.step(name, lambda: name)))

    world.function("gone", body, checkpointing=False)
    run = world.run("gone")
    assert (run.status, run.output) == ("Completed", "new")
    assert world.calls == ["old", "new"]


def test_a_step_of_a_group_that_is_gone_when_it_is_to_run(world: World) -> None:
    """Its turn is a failed attempt, never a shorter result; the next version has it again."""
    if world.is_async:
        return  # async code is given seconds to reach a step

    calls = {"body": 0}

    def body(ctx: Any) -> Any:
        calls["body"] += 1
        names = ("a",) if calls["body"] in (2, 3) else ("a", "b")
        branches = tuple(
            lambda name=name: ctx.step.run(name, world.step(name, lambda: name)) for name in names
        )
        return list((yield ctx.group.parallel(branches)))

    world.function("away", body)
    run = world.run("away")
    assert (run.status, run.output) == ("Completed", ["a", "b"])
    assert sorted(world.calls) == ["a", "b"]
