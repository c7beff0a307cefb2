"""Middleware sees every call, in order, and the framework's request."""

from __future__ import annotations

from typing import Any

import inngest

from ..live import World


def test_hooks_unwind_in_reverse(world: World) -> None:
    log: list[str] = []
    requests: list[object] = []

    def made(name: str) -> Any:
        class Noting(inngest.MiddlewareSync):
            def __init__(self, client: inngest.Inngest, raw_request: object) -> None:
                super().__init__(client, raw_request)
                requests.append(raw_request)

            def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
                log.append(f"in {name}")

            def transform_output(self, result: Any) -> None:
                log.append(f"out {name}")

        return Noting

    def body(ctx: Any) -> Any:
        log.append("call")
        return "done"

    for name in "ab":
        world.client.add_middleware(made(name))
    world.function("noted", body)
    run = world.run("noted")
    assert (run.status, run.output) == ("Completed", "done")
    assert log == ["in a", "in b", "call", "out b", "out a"]
    assert requests[:2] == [None, None]  # of the send that started it
    assert len(requests) == 4
    assert None not in requests[2:]
