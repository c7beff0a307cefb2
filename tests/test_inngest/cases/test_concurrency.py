"""Runs do not wait for each other."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import inngest

from ..live import World


def test_runs_whose_steps_need_each_other(world: World) -> None:
    """The step of each run ends when those of all runs have begun."""
    everybody = threading.Barrier(4, timeout=60)

    def body(ctx: Any) -> Any:
        def meet() -> int:
            everybody.wait()
            return int(ctx.event.data["n"])

        if world.is_async:
            return (yield ctx.step.run("meet", asyncio.to_thread, meet))
        return (yield ctx.step.run("meet", meet))

    world.function("meet", body)
    with world.serving():
        events = [inngest.Event(name=world.event("meet"), data={"n": n}) for n in range(4)]
        sent = world.client.send_sync(events)
        found = [world.server.runs(one)[0].output for one in sent]
    assert found == [0, 1, 2, 3]
