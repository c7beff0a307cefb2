"""The same id several times is several steps."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..live import World


def test_a_loop_over_one_id(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = []
        for n in range(3):
            value = yield ctx.step.run("again", world.step(f"again {n}", partial(int, n)))
            found.append(value)
        return found

    world.function("loop", body)
    run = world.run("loop")
    assert (run.status, run.output) == ("Completed", [0, 1, 2])
    assert world.calls == ["again 0", "again 1", "again 2"]


def test_an_id_that_looks_like_a_repeat(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = []
        for n, name in enumerate(("a", "a:1", "a")):
            found.append((yield ctx.step.run(name, world.step(str(n), partial(int, n)))))
        return found

    world.function("lookalike", body)
    run = world.run("lookalike")
    assert (run.status, run.output) == ("Completed", [0, 1, 2])
    assert world.calls == ["0", "1", "2"]
