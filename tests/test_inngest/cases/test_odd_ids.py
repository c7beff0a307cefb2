"""Any text is an id."""

from __future__ import annotations

from functools import partial
from typing import Any

import inngest

from ..live import World

IDS = ("with spaces", "ünïcödé ✓", "a/b?c=d&e#f", '"quoted" <b>', "new\nline", "x" * 1000, "step")


def test_any_text_is_a_step_id(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = []
        for name in IDS:
            value = yield ctx.step.run(name, world.step(name, partial(len, name)))
            found.append(value)
        return found

    world.function("odd", body)
    run = world.run("odd")
    assert (run.status, run.output) == ("Completed", [len(name) for name in IDS])
    assert world.calls == list(IDS)


def test_a_function_may_have_an_odd_id_too(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("work", world.step("work", lambda: "done")))

    trigger = inngest.TriggerEvent(event=world.event("odd"))
    world.function("odd fn & ünï?", body, trigger=trigger)
    run = world.run("odd")
    assert (run.status, run.output) == ("Completed", "done")
