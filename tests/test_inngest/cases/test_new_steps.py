"""What the server does for steps: requests, calls of functions that nothing triggers, notes."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_the_server_asks_and_the_step_has_the_answer(world: World) -> None:
    def body(ctx: Any) -> Any:
        got = yield ctx.step.fetch("health", f"{world.server.origin}/health", name="Health")
        missing = yield ctx.step.fetch("missing", f"{world.server.origin}/v1/runs/none")
        failed = None
        try:
            yield ctx.step.fetch("nobody", "http://127.0.0.1:9/")
        except inngest.StepError as error:
            failed = error.name
        return [got.json()["message"], missing.is_success, failed]

    world.function("fetch", body, retries=0)
    run = world.run("fetch")
    assert (run.status, run.output) == ("Completed", ["OK", False, "GatewayError"])


def test_a_function_without_triggers_is_invoked(world: World) -> None:
    def child(ctx: Any) -> Any:
        yield from ()
        return ctx.event.data["n"] + 1

    def parent(ctx: Any) -> Any:
        reference = inngest.reference_function(function_id="child", output_type=int)
        return (yield ctx.step.invoke("call", function=reference, data={"n": 1}))

    world.function("child", child, trigger=())
    world.function("parent", parent)
    run = world.run("parent")
    assert (run.status, run.output) == ("Completed", 2)


def test_metadata_is_noted_of_the_run(async_world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.update_metadata("note", {"stage": "charged"})
        return "noted"

    async_world.function("note", body)
    run = async_world.run("note")
    assert (run.status, run.output) == ("Completed", "noted")
