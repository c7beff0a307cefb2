"""The step context: the steps of the running function, for code that they are not passed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.step.step import Step
    from inngest._internal.step.step_sync import StepSync

_running: ContextVar[Step | StepSync | None] = ContextVar("inngest_running_step", default=None)
_overridden: ContextVar[Step | StepSync | None] = ContextVar("inngest_chosen_step", default=None)


def current_step() -> Step | StepSync | None:
    """Return the steps set by :func:`set_step_context`, else the running function's, if any."""
    return _overridden.get() or _running.get()


def set_running(ctx: object) -> None:
    """Make the steps of ``ctx`` the current ones for the rest of this task."""
    _running.set(getattr(ctx, "step", None))


def with_running(ctx: object, handler: Callable[[Any], object]) -> object:
    """Call ``handler(ctx)`` with the steps of ``ctx`` as the current ones."""
    token = _running.set(getattr(ctx, "step", None))
    try:
        return handler(ctx)
    finally:
        _running.reset(token)


@contextmanager
def set_step_context(step: Step | StepSync) -> Iterator[None]:
    """Make ``step`` the step context within the block.

    :raises Exception: it is called within such a block.
    """
    if _overridden.get() is not None:
        raise Exception("Step context already set")
    token = _overridden.set(step)
    try:
        yield
    finally:
        _overridden.reset(token)


__all__ = ["current_step", "set_running", "set_step_context", "with_running"]
