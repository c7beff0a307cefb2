"""A wait ends with the event, or with its time."""

from __future__ import annotations

from typing import Any

import pytest

from ..live import World


@pytest.mark.parametrize("is_sent", [True, False], ids=["matched", "timed out"])
def test_a_wait_gives_the_event_or_none(world: World, is_sent: bool) -> None:
    def body(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_event(
            "approval", event=world.event("approved"), timeout=world.pause * 2
        )
        return found and [found.name == world.event("approved"), found.data["by"]]

    world.function("wait", body)
    with world.serving():
        sent = world.send("wait")
        world.server.let_pass(world.pause)
        if is_sent:
            world.send("approved", by="me")
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", [True, "me"] if is_sent else None)


def test_one_event_ends_the_waits_of_several_runs(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_event(
            "go", event=world.event("go"), timeout=world.pause * 2
        )
        return [ctx.event.data["n"], found.data["text"]]

    world.function("waits", body)
    with world.serving():
        sent = [world.send("waits", n=n) for n in range(2)]
        world.send("go", text="now")
        runs = [world.server.runs(one)[0] for one in sent]
    assert [run.output for run in runs] == [[0, "now"], [1, "now"]]
