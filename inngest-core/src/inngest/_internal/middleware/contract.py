"""What a middleware is: hooks around requests, functions, steps and sends.

A hook is a method that a subclass overrides. Hooks named ``wrap_`` are generators with one
``yield``, written like a ``contextlib.contextmanager``: what is before the ``yield`` runs
before, what is after it runs after, and an exception from inside is raised at the
``yield``. They are given an object whose ``output`` holds JSON values once the inside is
done; what they assign to it goes on. A generator has no colour, so either kind of
middleware works around either kind of function.

The first middleware is the outermost: hooks before something run first to last, hooks
after something last to first. In ``wrap_step`` alone it is the innermost: it encodes last in
``wrap_step_handler``, and so decodes first. All hooks run where the function runs: sync hooks
of a sync function on its thread, async hooks on the event loop.

A hook that raises fails the call with an error that names it, and nothing is reported; in
``wrap_step_handler`` it fails the step. Observers, named ``on_``, change nothing: what
they raise is logged.
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
    """Hooks that may await. Made anew for each request and each send."""

    def __init__(self, client: Inngest, raw_request: object) -> None:
        """Take the client, and the framework's request (``None`` for a send)."""
        self.client = client
        self.raw_request = raw_request

    async def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Change what the function is given, before it is called."""

    async def before_execution(self) -> None:
        """Before code runs that has not run in an earlier call."""

    async def after_execution(self) -> None:
        """After the function returned, or stopped at a step; not after it raised."""

    async def transform_output(self, result: TransformOutputResult) -> None:
        """Change what is reported: once for each step, or once for the function."""

    async def before_response(self) -> None:
        """When the answer is settled."""

    async def before_send_events(self, events: list[Event[Any]]) -> None:
        """Change the events that are about to be sent."""

    async def after_send_events(self, result: SendEventsResult) -> None:
        """After events were sent, or failed to be."""

    async def wrap_request(self, request: WrappedRequest) -> AsyncIterator[None]:
        """Wrap the handling of one call from the server."""
        yield

    async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
        """Wrap the function's code."""
        yield

    async def wrap_step(self, step: WrappedStep) -> AsyncIterator[None]:
        """Wrap a step that has an outcome, memoized or not. The place to decode."""
        yield

    async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
        """Wrap one real execution of a step. The place to encode."""
        yield

    async def wrap_send(self, send: WrappedSend) -> AsyncIterator[None]:
        """Wrap the sending of events."""
        yield

    async def on_memoization_end(self) -> None:
        """Observe that all code from here on is new."""

    async def on_step_start(self, step: StepInfo) -> None:
        """Observe that a step is about to be executed."""

    async def on_step_complete(self, step: StepInfo) -> None:
        """Observe that a step succeeded."""

    async def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Observe that an attempt of a step failed."""


class MiddlewareSync:
    """Hooks that do not await. Made anew for each request and each send."""

    blocks: bool = False
    """Whether its hooks wait for a network or a disk. Around an async function those that do
    not wrap are then called on a thread, with the context variables of the call."""

    def __init__(self, client: Inngest, raw_request: object) -> None:
        """Take the client, and the framework's request (``None`` for a send)."""
        self.client = client
        self.raw_request = raw_request

    def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Change what the function is given, before it is called."""

    def before_execution(self) -> None:
        """Before code runs that has not run in an earlier call."""

    def after_execution(self) -> None:
        """After the function returned, or stopped at a step; not after it raised."""

    def transform_output(self, result: TransformOutputResult) -> None:
        """Change what is reported: once for each step, or once for the function."""

    def before_response(self) -> None:
        """When the answer is settled."""

    def before_send_events(self, events: list[Event[Any]]) -> None:
        """Change the events that are about to be sent."""

    def after_send_events(self, result: SendEventsResult) -> None:
        """After events were sent, or failed to be."""

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        """Wrap the handling of one call from the server."""
        yield

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Wrap the function's code."""
        yield

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        """Wrap a step that has an outcome, memoized or not. The place to decode."""
        yield

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Wrap one real execution of a step. The place to encode."""
        yield

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        """Wrap the sending of events."""
        yield

    def on_memoization_end(self) -> None:
        """Observe that all code from here on is new."""

    def on_step_start(self, step: StepInfo) -> None:
        """Observe that a step is about to be executed."""

    def on_step_complete(self, step: StepInfo) -> None:
        """Observe that a step succeeded."""

    def on_step_error(self, step: StepInfo, error: Exception) -> None:
        """Observe that an attempt of a step failed."""


UninitializedMiddleware: TypeAlias = "Callable[[Inngest, object], Middleware | MiddlewareSync]"
"""A middleware class, or any factory with the same arguments."""


def factories_of(
    given: Iterable[UninitializedMiddleware] | None,
) -> tuple[UninitializedMiddleware, ...]:
    """What was given for ``middleware=``, looked at.

    :raises FunctionConfigInvalidError: it is no list, or holds what makes no middleware.
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
    """A method that nobody calls is silent otherwise. Some are helpers of its author's."""
    for name in dir(made):
        if name.startswith("_") or name in HOOKS:
            continue
        close = get_close_matches(name, HOOKS, n=1, cutoff=0.85)
        if close:
            logger.warning(
                "middleware %s has no hook %s; did you mean %s?", made.__name__, name, close[0]
            )


HOOKS: Final = tuple(name for name in vars(Middleware) if not name.startswith("_"))
"""The names of all hooks: those of :class:`MiddlewareSync` are the same."""


__all__ = ["HOOKS", "Middleware", "MiddlewareSync", "UninitializedMiddleware", "factories_of"]
