"""Steps run one after the other, each once."""

from __future__ import annotations

from typing import Any

from ..live import World


def test_two_steps_run_once_each(world: World) -> None:
    def body(ctx: Any) -> Any:
        first = yield ctx.step.run("first", world.step("first", lambda: 20))
        second = yield ctx.step.run("second", world.step("second", lambda: first + 1))
        return {"answer": second * 2, "of": ctx.event.data["who"]}

    world.function("two", body)
    run = world.run("two", who="me")
    assert (run.status, run.output) == ("Completed", {"answer": 42, "of": "me"})
    assert world.calls == ["first", "second"]
