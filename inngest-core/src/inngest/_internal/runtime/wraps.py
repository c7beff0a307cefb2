"""Run a flow within wrapping hooks: sync or async generators, entered and exited in order."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from inngest._internal.flow import Flow, Outcome, Raised, Returned, Within, Wrap
from inngest._internal.middleware.stack import hook_failed
from inngest._internal.runtime.portal import Portal, run_at_once

T = TypeVar("T")

logger = logging.getLogger("inngest")


async def within_async(
    effect: Within, run: Callable[[Flow[Outcome[Any]]], Awaitable[Outcome[Any]]]
) -> Outcome[Any]:
    """Perform ``effect`` on the running loop; ``run`` runs the wrapped flow."""
    outcome: Outcome[Any] = Returned(None)
    inside: Outcome[Any] | None = None
    try:
        async with contextlib.AsyncExitStack() as stack:
            for wrap in effect.wraps:
                await stack.enter_async_context(_HookManager(wrap))
            inside = await run(effect.inside)
            if isinstance(inside, Raised):
                raise inside.error
            outcome = inside
    except Exception as error:
        return Raised(error)
    finally:
        inside = None  # the error's traceback refers to this frame: avoid a reference cycle
    return outcome


def within(
    effect: Within, run: Callable[[Flow[Outcome[Any]]], Outcome[Any]], portal: Portal
) -> Outcome[Any]:
    """Perform ``effect`` in the calling thread; async hooks run through ``portal``."""
    outcome: Outcome[Any] = Returned(None)
    inside: Outcome[Any] | None = None
    try:
        with contextlib.ExitStack() as stack:
            for wrap in effect.wraps:
                stack.enter_context(_HookManagerSync(wrap, portal))
            inside = run(effect.inside)
            if isinstance(inside, Raised):
                raise inside.error
            outcome = inside
    except Exception as error:
        return Raised(error)
    finally:
        inside = None  # the error's traceback refers to this frame: avoid a reference cycle
    return outcome


def _identity(generator: Any) -> Any:
    return generator


# Module constants: decorating takes longer than everything else that a hook needs.
_manager = contextlib.contextmanager(_identity)
_async_manager = contextlib.asynccontextmanager(_identity)


class _HookManager:
    """The async context manager of one hook. Errors that the hook raises name it.

    If it raises another error in response to one from inside, that error is not changed.
    """

    def __init__(self, wrap: Wrap) -> None:
        self._wrap = wrap
        self._manager: Any = None
        self.is_async = False

    def make(self) -> Any:
        """Call the hook and return its context manager, without running its generator."""
        made: Any = self._wrap.hook(self._wrap.record)
        if inspect.isasyncgen(made):
            self.is_async = True
            self._manager = _async_manager(made)
        elif inspect.isgenerator(made):
            self._manager = _manager(made)
        else:
            if inspect.iscoroutine(made):
                made.close()
            raise TypeError("a wrap_ hook must be a generator function with one yield")
        return self._manager

    async def __aenter__(self) -> None:
        try:
            manager = self.make() if self._manager is None else self._manager
            if self.is_async:
                await manager.__aenter__()
            else:
                manager.__enter__()
        except Exception as error:
            raise hook_failed(self._wrap.label, error) from error

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        inner: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            leave = self._manager.__aexit__ if self.is_async else self._manager.__exit__
            swallowed = leave(kind, inner, trace)
            return bool(await swallowed if self.is_async else swallowed) and isinstance(
                inner, Exception
            )
        except Exception as error:
            if inner is None:
                raise hook_failed(self._wrap.label, error) from error
            if not isinstance(inner, Exception):  # cancellations and interrupts must continue
                logger.error("%s failed", self._wrap.label, exc_info=error)
                return False
            raise


class _HookManagerSync:
    """The sync counterpart of :class:`_HookManager`. Only async hooks need an event loop."""

    def __init__(self, wrap: Wrap, portal: Portal) -> None:
        self._manager = _HookManager(wrap)
        self._wrap = wrap
        self._portal = portal
        self._context: contextvars.Context | None = None

    def __enter__(self) -> None:
        try:
            self._manager.make()
        except Exception as error:
            raise hook_failed(self._wrap.label, error) from error
        if self._manager.is_async:
            # The same context for both halves: a variable's token must be reset where it was set.
            self._context = contextvars.copy_context()
        self._run(self._manager.__aenter__())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        inner: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return self._run(self._manager.__aexit__(kind, inner, trace))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._context is None:
            return run_at_once(coroutine)
        return self._portal.run(coroutine, self._context)
