"""Events that come together are one run."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_a_full_batch_is_one_run(world: World) -> None:
    batches: list[list[int]] = []

    def body(ctx: Any) -> Any:
        batches.append(sorted(event.data["n"] for event in ctx.events))
        return len(ctx.events)

    batch = inngest.Batch(max_size=3, timeout=world.pause)
    world.function("batch", body, batch_events=batch)
    with world.serving():
        events = [inngest.Event(name=world.event("batch"), data={"n": n}) for n in range(3)]
        world.client.send_sync(events)
        world.server.let_pass(world.pause * 2)
    assert batches == [[0, 1, 2]]


def test_a_batch_does_not_wait_for_ever(world: World) -> None:
    batches: list[int] = []

    def body(ctx: Any) -> Any:
        batches.append(len(ctx.events))

    batch = inngest.Batch(max_size=100, timeout=world.pause)
    world.function("batch", body, batch_events=batch)
    with world.serving():
        world.send("batch")
        assert batches == []
        world.server.let_pass(world.pause * 2)
    assert batches == [1]
