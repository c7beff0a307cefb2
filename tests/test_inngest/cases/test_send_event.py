"""Events that a step sends are sent once."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_sent_events_start_other_functions_once(world: World) -> None:
    received: list[Any] = []

    def sender(ctx: Any) -> Any:
        events = [inngest.Event(name=world.event("receiver"), data={"n": n}) for n in range(2)]
        ids = yield ctx.step.send_event("announce", events)
        yield ctx.step.sleep("nap", world.pause)
        return len(ids)

    def receiver(ctx: Any) -> Any:
        n = ctx.event.data["n"]
        yield ctx.step.run("receive", world.step("receive", lambda: received.append(n)))

    world.function("sender", sender)
    world.function("receiver", receiver)
    run = world.run("sender")
    assert (run.status, run.output) == ("Completed", 2)
    assert sorted(received) == [0, 1]
