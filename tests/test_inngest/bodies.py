"""Bodies: generators that yield each step, from which both async and sync functions are made.

An async function awaits what the body yields; in a sync one it is the step's value already.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any

import inngest

Body = Callable[[Any], Any]
"""Returns such a generator, or, without steps, the result."""


def handler_of(body: Body, *, is_async: bool) -> Callable[[Any], Any]:
    """Turn a body into a sync or an async handler."""

    def run_sync(ctx: inngest.ContextSync[Any]) -> Any:
        return finish(body(ctx))

    async def run_async(ctx: inngest.Context[Any]) -> Any:
        return await finish_async(body(ctx))

    return run_async if is_async else run_sync


def finish(steps: Any) -> Any:
    """Run a body of a sync function, and return its result."""
    if not isinstance(steps, Generator):
        return steps
    value = None
    try:
        while True:
            value = steps.send(value)
    except StopIteration as stop:
        return stop.value


async def finish_async(steps: Any) -> Any:
    """Run a body of an async function, and return its result."""
    if not isinstance(steps, Generator):
        return steps
    resume: Callable[[], Any] = steps.__next__
    try:
        while True:
            step = resume()
            try:
                resume = functools.partial(steps.send, await step)
            except Exception as error:
                resume = functools.partial(steps.throw, error)
    except StopIteration as stop:
        return stop.value
    finally:
        del resume  # an error's traceback refers to this frame: avoid a reference cycle
