"""State that is too large to be sent along is fetched."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..live import World

TEXT = "é" * 750_000


def test_state_over_four_megabytes(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = []
        for n in range(3):
            step = world.step(str(n), partial(str, f"{n}{TEXT}"))
            found.append((yield ctx.step.run(f"large {n}", step)))
        return [(len(text), text[0]) for text in found]

    world.function("large", body)
    run = world.run("large")
    assert run.status == "Completed", run.output
    assert run.output == [[len(TEXT) + 1, str(n)] for n in range(3)]
    assert world.calls == ["0", "1", "2"]
