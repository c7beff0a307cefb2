"""A function without steps runs once, and its result is the run's."""

from __future__ import annotations

from typing import Any

from ..live import World


def test_a_function_without_steps(world: World) -> None:
    calls: list[Any] = []

    def body(ctx: Any) -> Any:
        calls.append(ctx.attempt)
        return {"for": ctx.event.data["who"], "in": ctx.event.name == world.event("plain")}

    world.function("plain", body)
    run = world.run("plain", who="mé")
    assert (run.status, run.output) == ("Completed", {"for": "mé", "in": True})
    assert calls == [0]


def test_nothing_is_a_result(world: World) -> None:
    def body(ctx: Any) -> Any:
        return None

    world.function("nothing", body)
    run = world.run("nothing")
    assert (run.status, run.output) == ("Completed", None)
