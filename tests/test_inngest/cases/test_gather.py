"""What asyncio awaits together runs in parallel."""

from __future__ import annotations

import asyncio
from typing import Any

import inngest

from ..live import BrokenError, World


def test_gathered_steps_run_in_parallel(async_world: World) -> None:
    world = async_world
    # Each of the two waits for the other: one after the other could not end.
    arrived: set[str] = set()

    async def meet(name: str) -> str:
        arrived.add(name)
        for _ in range(2000):
            if len(arrived) == 2:
                return name
            await asyncio.sleep(0.005)
        raise BrokenError("alone")

    async def gathers(ctx: inngest.Context) -> list[str]:
        return list(
            await asyncio.gather(
                ctx.step.run("left", meet, "left"), ctx.step.run("right", meet, "right")
            )
        )

    trigger = inngest.TriggerEvent(event=world.event("gather"))
    made: Any = world.client.create_function(fn_id="gather", trigger=trigger)(gathers)
    world.functions.append(made)
    run = world.run("gather")
    assert (run.status, run.output) == ("Completed", ["left", "right"])


def test_a_sequence_within_what_is_gathered(async_world: World) -> None:
    world = async_world

    async def one() -> int:
        return 1

    async def twice(ctx: inngest.Context, name: str) -> int:
        first = await ctx.step.run(f"{name}1", one)
        return first + await ctx.step.run(f"{name}2", one)

    async def gathers(ctx: inngest.Context) -> list[int]:
        return list(await asyncio.gather(twice(ctx, "a"), twice(ctx, "b")))

    trigger = inngest.TriggerEvent(event=world.event("nested"))
    made: Any = world.client.create_function(fn_id="nested", trigger=trigger)(gathers)
    world.functions.append(made)
    run = world.run("nested")
    assert (run.status, run.output) == ("Completed", [2, 2])
