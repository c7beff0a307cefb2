"""In a race the function goes on with the first that is done."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_the_first_branch_lets_the_function_go_on(world: World) -> None:
    """What the function does with the fast branch does not wait for the slow one."""

    def body(ctx: Any) -> Any:
        def fast(ctx: Any) -> Any:
            value = yield ctx.step.run("fast", world.step("fast", lambda: "won"))
            yield ctx.step.run("celebrate", world.step("celebrate"))
            return value

        def slow(ctx: Any) -> Any:
            yield ctx.step.sleep("nap", world.pause)
            return "lost"

        branches = (world.branch(fast, ctx), world.branch(slow, ctx))
        found = yield ctx.group.parallel(branches, parallel_mode=inngest.ParallelMode.RACE)
        return list(found)

    world.function("race", body)
    with world.serving():
        sent = world.send("race")
        assert world.calls == ["fast", "celebrate"]
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", ["won", "lost"])
    assert world.calls == ["fast", "celebrate"]
