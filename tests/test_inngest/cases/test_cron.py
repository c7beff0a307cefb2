"""A schedule starts runs without an event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import inngest

from ..live import World


def test_a_schedule_starts_runs(fresh_world: World) -> None:
    world = fresh_world
    seen: list[str] = []

    def body(ctx: Any) -> Any:
        seen.append(ctx.event.name)
        yield ctx.step.run("tick", world.step("tick"))

    world.function("tick", body, trigger=inngest.TriggerCron(cron="* * * * *"))
    with world.serving():
        world.server.let_pass(timedelta(minutes=3))
    assert len(seen) >= 3
    assert set(seen) == {"inngest/scheduled.timer"}
    assert set(world.calls) == {"tick"}
