"""A singleton runs once at a time."""

from __future__ import annotations

from typing import Any

import pytest

import inngest

from ..live import World


@pytest.mark.parametrize("mode", ["skip", "cancel"])
def test_the_second_run_is_skipped_or_the_first_is_cancelled(world: World, mode: Any) -> None:
    ended: list[int] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.sleep("nap", world.pause)
        ended.append(ctx.event.data["n"])

    world.function("only", body, singleton=inngest.Singleton(mode=mode))
    with world.serving():
        for n in range(2):
            world.send("only", n=n)
        world.server.let_pass(world.pause * 3)
    assert ended == ([0] if mode == "skip" else [1])
