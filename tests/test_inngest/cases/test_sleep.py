"""A sleep lasts as long as it says, and no longer."""

from __future__ import annotations

import datetime
from typing import Any

from ..live import World


def test_a_sleep_by_duration(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.run("before", world.step("before"))
        yield ctx.step.sleep("nap", world.pause * 2)
        return (yield ctx.step.run("after", world.step("after", lambda: "rested")))

    world.function("sleep", body)
    with world.serving():
        sent = world.send("sleep")
        world.server.let_pass(world.pause)
        assert world.calls == ["before"]
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", "rested")
    assert world.calls == ["before", "after"]


def test_a_sleep_until_a_time(world: World) -> None:
    until = world.server.now() + world.pause * 2

    def body(ctx: Any) -> Any:
        yield ctx.step.sleep_until("nap", until)
        return (yield ctx.step.run("after", world.step("after", lambda: "rested")))

    world.function("until", body)
    with world.serving():
        sent = world.send("until")
        world.server.let_pass(world.pause)
        assert world.calls == []
        (run,) = world.server.runs(sent)
    assert (run.status, run.output) == ("Completed", "rested")


def test_a_sleep_until_the_past_is_none(world: World) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)

    def body(ctx: Any) -> Any:
        yield ctx.step.sleep_until("nap", past)
        return "awake"

    world.function("past", body)
    run = world.run("past")
    assert (run.status, run.output) == ("Completed", "awake")
