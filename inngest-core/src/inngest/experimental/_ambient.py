"""Use steps without passing ``ctx.step``: the step context, and a decorator that uses it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from typing_extensions import ParamSpec

from inngest._internal.checks import is_text
from inngest._internal.errors import AsyncUnsupportedError
from inngest._internal.step.ambient import current_step, set_step_context
from inngest._internal.step.step import Step
from inngest._internal.step.step_sync import StepSync

P = ParamSpec("P")
T = TypeVar("T")


def get_step_context() -> Step | StepSync:
    """Return the ``ctx.step`` of the Inngest function that is running.

    Tasks and ``asyncio.to_thread`` inherit it; a thread started without a copy of the context
    does not.

    :raises LookupError: no Inngest function is running in this context.
    """
    found = current_step()
    if found is None:
        raise LookupError("no Inngest function is running here: there is no step context")
    return found


def step(step_id: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make each call of the decorated function a step of the running Inngest function.

    Outside an Inngest function, a call is an ordinary one. An async function can be a step of
    an async Inngest function only, a sync one of a sync one. Steps cannot be nested.

    :param step_id: the step's id; for repeated calls within a run the server counts them.
    :raises TypeError: ``step_id`` is not a non-empty string, as in ``@step`` without parentheses.
    """
    if not is_text(step_id):
        raise TypeError(
            'step() takes the id of the step: write @step("some id") above the function, '
            f"not with {_described(step_id)}"
        )

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if inspect.iscoroutinefunction(function):
            return cast("Callable[P, T]", _decorated_async(step_id, function))
        return _decorated(step_id, function)

    return decorate


def _described(step_id: object) -> str:
    return repr(step_id) if isinstance(step_id, str) else f"a {type(step_id).__name__}"


def _decorated(step_id: str, function: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        found = current_step()
        if found is None:
            return function(*args, **kwargs)
        if isinstance(found, Step):
            raise AsyncUnsupportedError(
                f'step "{step_id}" is a sync function, used in an async Inngest function: '
                "make it async, and await it"
            )
        work = functools.partial(function, **kwargs) if kwargs else function
        result: T = cast(Any, found).run(step_id, work, *args)
        return result

    return run


def _decorated_async(step_id: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        found = current_step()
        if found is None:
            return await function(*args, **kwargs)
        if isinstance(found, StepSync):
            raise AsyncUnsupportedError(
                f'step "{step_id}" is an async function, used in a sync Inngest function: '
                "make it sync"
            )
        work = functools.partial(function, **kwargs) if kwargs else function
        return await found.run(step_id, work, *args)

    return run


__all__ = ["get_step_context", "set_step_context", "step"]
