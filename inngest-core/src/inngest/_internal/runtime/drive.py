"""Run a flow to its end with a function that performs its effects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from inngest._internal.flow import Effect, Flow

T = TypeVar("T")


def drive(flow: Flow[T], perform: Callable[[Effect], object]) -> T:
    """Run a flow to its end, performing each effect in the calling thread."""
    outcome: Any = None
    try:
        while True:
            outcome = perform(flow.send(outcome))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        outcome = None  # an error's traceback refers to this frame: avoid a reference cycle
        flow.close()


async def drive_async(flow: Flow[T], perform: Callable[[Effect], Awaitable[object]]) -> T:
    """Run a flow to its end, awaiting each effect."""
    outcome: Any = None
    effect: Any = None
    try:
        while True:
            try:
                effect = flow.send(outcome)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            outcome = await perform(effect)
    finally:
        outcome = effect = None  # as above
        flow.close()
