"""The steps of the function that this code runs in: known without being passed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.step.step import Step
    from inngest._internal.step.step_sync import StepSync

_running: ContextVar[Step | StepSync | None] = ContextVar("inngest_running_step", default=None)
_chosen: ContextVar[Step | StepSync | None] = ContextVar("inngest_chosen_step", default=None)


def current_step() -> Step | StepSync | None:
    """What the code around was told to use, or its function was given, if either."""
    return _chosen.get() or _running.get()


def note_running(ctx: object) -> None:
    """Have code of this task know the steps of ``ctx``, what a handler is given."""
    _running.set(getattr(ctx, "step", None))


def with_running(ctx: object, handler: Callable[[Any], object]) -> object:
    """Call ``handler`` with ``ctx``. The code within knows its steps."""
    token = _running.set(getattr(ctx, "step", None))
    try:
        return handler(ctx)
    finally:
        _running.reset(token)


@contextmanager
def set_step_context(step: Step | StepSync) -> Iterator[None]:
    """Have code within the block find ``step``, also where a function gave it none.

    :raises Exception: the code is within such a block already.
    """
    if _chosen.get() is not None:
        raise Exception("Step context already set")
    token = _chosen.set(step)
    try:
        yield
    finally:
        _chosen.reset(token)


__all__ = ["current_step", "note_running", "set_step_context", "with_running"]
