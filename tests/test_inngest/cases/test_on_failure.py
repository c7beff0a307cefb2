"""A failure handler is called once, when all attempts failed."""

from __future__ import annotations

from typing import Any

from ..live import BrokenError, World, fails


def test_the_handler_sees_the_error_and_the_event(world: World) -> None:
    seen: list[Any] = []

    def body(ctx: Any) -> Any:
        yield ctx.step.run("charge", world.step("charge", lambda: fails(BrokenError("broke"))))

    def cleanup(ctx: Any) -> Any:
        yield ctx.step.run("clean", world.step("clean"))
        seen.append((ctx.event.name, ctx.event.data["error"]["message"]))
        seen.append(ctx.event.data["event"]["data"])

    world.function("doomed", body, on_failure=cleanup, retries=1)
    with world.serving():
        (run,) = world.server.runs(world.send("doomed", order=7))
        world.server.let_pass(world.pause)
    assert run.status == "Failed"
    assert world.calls == ["charge", "charge", "clean"]
    assert seen == [("inngest/function.failed", "broke"), {"order": 7}]


def test_no_failure_no_handler(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("charge", world.step("charge", lambda: "paid")))

    def cleanup(ctx: Any) -> Any:
        yield ctx.step.run("clean", world.step("clean"))

    world.function("fine", body, on_failure=cleanup)
    run = world.run("fine")
    assert (run.status, run.output) == ("Completed", "paid")
    assert world.calls == ["charge"]
