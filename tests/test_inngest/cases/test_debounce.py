"""Events in quick succession are one run, of the last one."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_the_last_event_wins(world: World) -> None:
    seen: list[int] = []

    def body(ctx: Any) -> Any:
        seen.append(ctx.event.data["n"])

    world.function("quick", body, debounce=inngest.Debounce(period=world.pause))
    with world.serving():
        for n in range(3):
            world.send("quick", n=n)
        assert seen == []
        world.server.let_pass(world.pause * 3)
    assert seen == [2]
