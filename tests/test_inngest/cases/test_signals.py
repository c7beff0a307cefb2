"""A signal reaches the one run that waits for it, now."""

from __future__ import annotations

from typing import Any

import pytest

from ..live import World


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "timed out"])
def test_a_wait_gives_the_signal_or_none(world: World, is_sent: bool) -> None:
    name = world.event("signal")

    def waiter(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_signal("go", signal=name, timeout=world.pause * 2)
        return found and [found.name == name, found.data]

    def sender(ctx: Any) -> Any:
        taken = yield ctx.step.send_signal("tell", signal=name, data={"n": 1})
        again = yield ctx.step.send_signal("again", signal=name)
        return [taken is not None, again]

    world.function("waiter", waiter)
    world.function("sender", sender)
    with world.serving():
        waiting = world.send("waiter")
        world.server.let_pass(world.pause)
        sending = world.send("sender") if is_sent else None
        (run,) = world.server.runs(waiting)
        if sending is not None:
            (sent,) = world.server.runs(sending)
            assert (sent.status, sent.output) == ("Completed", [True, None])
    assert (run.status, run.output) == ("Completed", [True, {"n": 1}] if is_sent else None)


def test_a_second_run_that_waits_replaces_the_first_or_fails(async_world: World) -> None:
    world = async_world
    name = world.event("signal")

    def waiter(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_signal(
            "go", signal=name, timeout=world.pause * 2, on_conflict=ctx.event.data["conflict"]
        )
        return found and found.data

    world.function("waiter", waiter, retries=0)
    with world.serving():
        first = world.send("waiter", conflict="fail")
        refused = world.send("waiter", conflict="fail")
        last = world.send("waiter", conflict="replace")
        world.server.let_pass(world.pause / 2)
        world.client.send_signal_sync(name, "for the last")
        (run_of_first,) = world.server.runs(first)
        (run_of_refused,) = world.server.runs(refused)
        (run_of_last,) = world.server.runs(last)
    assert run_of_refused.status == "Failed"
    assert (run_of_first.status, run_of_first.output) == ("Completed", None)
    assert (run_of_last.status, run_of_last.output) == ("Completed", "for the last")
