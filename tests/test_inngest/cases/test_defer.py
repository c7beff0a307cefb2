"""A deferred call is made when the run has ended, unless it was taken back."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_a_deferred_call_is_made_after_the_run(world: World) -> None:
    def parent(ctx: Any) -> Any:
        yield ctx.step.defer("kept", function=deferred, data={"n": 1})
        taken_back = yield ctx.step.defer("taken back", function=deferred, data={"n": 2})
        yield ctx.step.run("work", world.step("work"))
        yield taken_back.abort()
        yield ctx.step.sleep("nap", world.pause)
        yield ctx.step.defer("last", function=deferred, data={"n": 3})
        return "parent"

    def child(ctx: Any) -> Any:
        note = world.step(f"child {ctx.event.data['n']}")
        yield ctx.step.run("note", note)

    world.function("parent", parent)
    deferred = world.function("child", child, trigger=inngest.TriggerDeferred())
    world.function("other", child, trigger=inngest.TriggerDeferred())
    with world.serving():
        sent = world.send("parent")
        assert world.calls == ["work"]
        (run,) = world.server.runs(sent)
        world.server.let_pass(world.pause / 3)
    assert (run.status, run.output) == ("Completed", "parent")
    assert world.calls[0] == "work"
    assert sorted(world.calls[1:]) == ["child 1", "child 3"]


def test_a_deferred_call_is_made_after_a_run_that_fails(world: World) -> None:
    def parent(ctx: Any) -> Any:
        yield ctx.step.defer("kept", function=deferred, data={"n": 1})
        yield ctx.step.run("work", world.step("work"))
        raise inngest.NonRetriableError("no use")

    def child(ctx: Any) -> Any:
        yield ctx.step.run("note", world.step(f"child {ctx.event.data['n']}"))

    world.function("parent", parent)
    deferred = world.function("child", child, trigger=inngest.TriggerDeferred())
    with world.serving():
        (run,) = world.server.runs(world.send("parent"))
        world.server.let_pass(world.pause / 3)
    assert run.status == "Failed"
    assert world.calls == ["work", "child 1"]
