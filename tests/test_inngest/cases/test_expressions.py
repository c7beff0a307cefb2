"""Expressions choose among events, for triggers and for waits."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_a_trigger_with_an_expression(world: World) -> None:
    def body(ctx: Any) -> Any:
        return ctx.event.data["n"]

    trigger = inngest.TriggerEvent(event=world.event("some"), expression="event.data.n > 1")
    world.function("some", body, trigger=trigger)
    with world.serving():
        small = world.send("some", n=1)
        (run,) = world.server.runs(world.send("some", n=2))
        assert world.server.runs(small, at_least=0) == []
    assert (run.status, run.output) == ("Completed", 2)


def test_a_wait_with_an_expression(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_event(
            "paid",
            event=world.event("paid"),
            if_exp="event.data.order == async.data.order",
            timeout=world.pause * 2,
        )
        return found and found.data["cents"]

    world.function("order", body)
    with world.serving():
        sent = world.send("order", order=7)
        world.send("paid", order=8, cents=1)
        world.send("paid", order=7, cents=2)
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", 2)
