"""An event cancels a run that asked for it, and no other."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_the_event_cancels_the_run(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.run("before", world.step("before"))
        yield ctx.step.sleep("nap", world.pause)
        yield ctx.step.run("after", world.step("after"))

    cancel = inngest.Cancel(
        event=world.event("stop"), if_exp="event.data.order == async.data.order"
    )
    world.function("order", body, cancel=[cancel])
    with world.serving():
        sent = [world.send("order", order=n) for n in (1, 2)]
        world.send("stop", order=1)
        runs = [world.server.runs(one)[0] for one in sent]
    assert [run.status for run in runs] == ["Cancelled", "Completed"]
    assert sorted(world.calls) == ["after", "before", "before"]
