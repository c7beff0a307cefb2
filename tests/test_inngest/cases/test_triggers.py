"""A function may have several triggers, and an event several functions."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_each_of_several_events(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("say", world.step("say", lambda: ctx.event.name)))

    triggers: list[inngest.TriggerEvent | inngest.TriggerCron] = [
        inngest.TriggerEvent(event=world.event(name)) for name in ("left", "right")
    ]
    world.function("either", body, trigger=triggers)
    with world.serving():
        runs = [world.server.runs(world.send(name))[0] for name in ("left", "right")]
    assert [run.output for run in runs] == [world.event("left"), world.event("right")]


def test_one_event_for_two_functions(world: World) -> None:
    trigger = inngest.TriggerEvent(event=world.event("both"))
    for name in ("one", "two"):

        def body(ctx: Any, name: str = name) -> Any:
            return (yield ctx.step.run("say", world.step(name, lambda: name)))

        world.function(name, body, trigger=trigger)
    with world.serving():
        runs = world.server.runs(world.send("both"), at_least=2)
    assert sorted(run.output for run in runs) == ["one", "two"]
    assert sorted(world.calls) == ["one", "two"]


def test_an_event_with_an_id_counts_once(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("count", world.step("count")))

    world.function("once", body)
    event = inngest.Event(name=world.event("once"), id=f"{world.app_id}-1")
    with world.serving():
        sent = world.send("once", event=event)
        world.send("once", event=event)
        world.server.runs(sent)
    assert world.calls == ["count"]
