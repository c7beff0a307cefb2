"""The middleware base classes: hooks around requests, functions, steps and sends.

A hook is a method that a subclass overrides. Hooks named ``wrap_`` are generators with one
``yield``, written like a ``contextlib.contextmanager``: code before the ``yield`` runs before
the wrapped operation, code after it runs afterwards, and an exception of the operation is
raised at the ``yield``. They receive an object whose ``output``, set once the operation has
succeeded, consists of JSON types and may be replaced. A sync generator can wrap async code, and
the reverse, so either class works with either kind of function.

The first middleware is the outermost: hooks before something run first to last, hooks after
something last to first. Only in ``wrap_step`` is the first the innermost, so that it decodes
first what it has encoded last in ``wrap_step_handler``. All hooks run where the function runs:
sync hooks of a sync function on its thread, async hooks on the event loop.

A hook that raises fails the call with an error that names the hook, and nothing is reported;
in ``wrap_step_handler`` it fails the step. Observers, named ``on_``, cannot change anything:
an exception in one is logged.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from inngest._internal.checks import kind_of
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.middleware.memos import StepMemos
from inngest._internal.middleware.records import (
    StepInfo,
    TransformOutputResult,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
    WrappedSend,
    WrappedStep,
)

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.event import Event
    from inngest._internal.function.function import Function
    from inngest._internal.sent import SendEventsResult
    from inngest._internal.step.context import Context, ContextSync

logger = logging.getLogger("inngest")


class Middleware:
    """Async hooks. Instances are created for each request and each send."""

    def __init__(self, client: Inngest, raw_request: object) -> None:
        """Store the client and the framework's request, which is ``None`` for a send."""
        self.client = client
        self.raw_request = raw_request

    async def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Change the context or the memos before the function is called."""

    async def before_execution(self) -> None:
        """Called before code runs that has not run in an earlier call."""

    async def after_execution(self) -> None:
        """Called after the function returned or stopped at a step, but not after it raised."""

    async def transform_output(self, result: TransformOutputResult) -> None:
        """Change what is reported: called once for each step, or once for the function."""

    async def before_response(self) -> None:
        """Called when the response is final."""

    async def before_send_events(self, events: list[Event[Any]]) -> None:
        """Change the list of events, or the events, before they are sent."""

    async def after_send_events(self, result: SendEventsResult) -> None:
        """Called after events were sent, or could not be sent."""

    async def wrap_request(self, request: WrappedRequest) -> AsyncIterator[None]:
        """Wrap the handling of a call from the server."""
        yield

    async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
        """Wrap the function's code."""
        yield

    async def wrap_step(self, step: WrappedStep) -> AsyncIterator[None]:
        """Wrap a step that has an outcome, memoized or not; decode its output here."""
        yield

    async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
        """Wrap one execution of a step's handler; encode its output here."""
        yield

    async def wrap_send(self, send: WrappedSend) -> AsyncIterator[None]:
        """Wrap the sending of events."""
        yield

    async def on_memoization_end(self) -> None:
        """Called when all code from here on runs for the first time."""

    async def on_step_start(self, step: StepInfo) -> None:
        """Called before a step's handler runs."""

    async def on_step_complete(self, step: StepInfo) -> None:
        """Called after a step succeeded."""

    async def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Called after an attempt of a step failed."""


class MiddlewareSync:
    """Sync hooks. Instances are created for each request and each send."""

    blocks: bool = False
    """Whether its hooks block, for example on a network or a disk. Around an async function, such
    hooks, except wrapping ones, are called on a thread, with the call's context variables."""

    def __init__(self, client: Inngest, raw_request: object) -> None:
        """Store the client and the framework's request, which is ``None`` for a send."""
        self.client = client
        self.raw_request = raw_request

    def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Change the context or the memos before the function is called."""

    def before_execution(self) -> None:
        """Called before code runs that has not run in an earlier call."""

    def after_execution(self) -> None:
        """Called after the function returned or stopped at a step, but not after it raised."""

    def transform_output(self, result: TransformOutputResult) -> None:
        """Change what is reported: called once for each step, or once for the function."""

    def before_response(self) -> None:
        """Called when the response is final."""

    def before_send_events(self, events: list[Event[Any]]) -> None:
        """Change the list of events, or the events, before they are sent."""

    def after_send_events(self, result: SendEventsResult) -> None:
        """Called after events were sent, or could not be sent."""

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        """Wrap the handling of a call from the server."""
        yield

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Wrap the function's code."""
        yield

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        """Wrap a step that has an outcome, memoized or not; decode its output here."""
        yield

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Wrap one execution of a step's handler; encode its output here."""
        yield

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        """Wrap the sending of events."""
        yield

    def on_memoization_end(self) -> None:
        """Called when all code from here on runs for the first time."""

    def on_step_start(self, step: StepInfo) -> None:
        """Called before a step's handler runs."""

    def on_step_complete(self, step: StepInfo) -> None:
        """Called after a step succeeded."""

    def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Called after an attempt of a step failed."""


UninitializedMiddleware: TypeAlias = "Callable[[Inngest, object], Middleware | MiddlewareSync]"
"""A middleware class, or any factory with the same arguments."""


def factories_of(
    given: Iterable[UninitializedMiddleware] | None,
) -> tuple[UninitializedMiddleware, ...]:
    """Validate the argument ``middleware``.

    :raises FunctionConfigInvalidError: it is not iterable, or an item is not callable.
    """
    if given is not None and not isinstance(given, Iterable):
        raise FunctionConfigInvalidError(f"middleware: must be a list, not {kind_of(given)}")
    factories = tuple(given or ())
    for each in factories:
        if not callable(each):
            raise FunctionConfigInvalidError(
                f"middleware: must be classes or factories, not {kind_of(each)}"
            )
        if isinstance(each, type):
            _warn_of_misspelt_hooks(each)
    return factories


def _warn_of_misspelt_hooks(made: type) -> None:
    """Warn, as a misspelt hook would never be called. It may also be a method of the author's."""
    for name in dir(made):
        if name.startswith("_") or name in HOOKS:
            continue
        close = get_close_matches(name, HOOKS, n=1, cutoff=0.85)
        if close:
            logger.warning(
                "middleware %s has no hook %s; did you mean %s?", made.__name__, name, close[0]
            )


HOOKS: Final = tuple(name for name in vars(Middleware) if not name.startswith("_"))
"""The names of all hooks, which :class:`MiddlewareSync` has, too."""


__all__ = ["HOOKS", "Middleware", "MiddlewareSync", "UninitializedMiddleware", "factories_of"]
