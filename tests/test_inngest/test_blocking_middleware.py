"""Middleware that waits for something does not hold up an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import inngest
from inngest.transport import CommRequest, Handler, ServeOptions

from .conftest import Make

FLAG = contextvars.ContextVar("flag", default="unset")
HOOKS = ["transform_input", "before_execution", "after_execution", "transform_output",
         "before_response", "on_step_start", "on_step_complete"]  # fmt: skip


Seen = dict[str, tuple[bool, str]]
"""Of each hook, whether it ran on the thread of the call, and the flag that it found."""


def noting(seen: Seen, *, blocks: bool) -> type[inngest.MiddlewareSync]:
    """Make middleware that records the thread of each hook."""

    class Noting(inngest.MiddlewareSync):
        thread = 0

        def wrap_request(self, request: Any) -> Iterator[None]:
            self.thread = threading.get_ident()
            token = FLAG.set("set")
            yield
            FLAG.reset(token)

    Noting.blocks = blocks
    for hook in HOOKS:

        def method(self: Any, *args: object, _hook: str = hook) -> None:
            seen[_hook] = threading.get_ident() == self.thread, FLAG.get()

        setattr(Noting, hook, method)
    return Noting


@pytest.mark.parametrize("blocks", [True, False])
def test_blocking_hooks_run_on_a_thread_around_async_functions(
    make_world: Make, blocks: bool
) -> None:
    seen: Seen = {}
    world = make_world(middleware=[noting(seen, blocks=blocks)])

    def body(ctx: Any) -> Any:
        yield ctx.step.run("a", world.step())

    world.function(body)
    assert world.play().status == 200
    is_here = not (world.is_async and blocks)
    assert seen == dict.fromkeys(HOOKS, (is_here, "set"))


def test_the_loop_goes_on_while_a_hook_waits() -> None:
    loop_went_on = threading.Event()

    class Waiting(inngest.MiddlewareSync):
        blocks = True

        def before_response(self) -> None:
            assert loop_went_on.wait(60), "the loop stands still"

    answer = _call(Waiting, lambda: loop_went_on.set())
    assert answer == (200, b'"done"')


def test_what_a_blocking_hook_raises_fails_the_call() -> None:
    class Failing(inngest.MiddlewareSync):
        blocks = True

        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            raise inngest.NonRetriableError("the store is closed")

    status, body = _call(Failing, lambda: None)
    assert status == 500
    assert b"Failing.transform_output failed: NonRetriableError: the store is closed" in body


def test_without_a_pool_blocking_hooks_run_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "0")
    seen: Seen = {}
    _call(noting(seen, blocks=True), lambda: None)
    assert {is_here for is_here, _ in seen.values()} == {True}


def _call(middleware: type[inngest.MiddlewareSync], meanwhile: Any) -> tuple[int, bytes]:
    """Call an async function once, and ``meanwhile`` on the event loop while it runs."""
    client = inngest.Inngest(app_id="app", is_production=False, middleware=[middleware])

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    async def function(ctx: inngest.Context) -> str:
        asyncio.get_running_loop().call_later(0.01, meanwhile)
        return "done"

    handler = Handler(client, [function], ServeOptions(framework="test"))
    request = CommRequest(
        method="POST",
        url="http://app.test/api/inngest",
        headers={},
        query={"fnId": "app-fn", "stepId": "step"},
        body=b'{"ctx":{"run_id":"R","attempt":0,"stack":{"stack":[]}},'
        b'"event":{"name":"e","data":{}},"steps":{}}',
    )

    async def call() -> tuple[int, bytes]:
        answer = await asyncio.wait_for(handler.handle_async(request), 60)
        return answer.status, answer.body

    try:
        return asyncio.run(call())
    finally:
        handler.close()
