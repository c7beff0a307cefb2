"""The middleware of one request or send, in order. As flows: a driver calls the hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from inngest._internal.errors import Error, MiddlewareError, message_of, with_cause
from inngest._internal.flow import NOTHING, Call, Flow, Outcome, Raised, Within, Wrap
from inngest._internal.middleware.contract import HOOKS, Middleware, MiddlewareSync
from inngest._internal.middleware.owned import OfPlugin

logger = logging.getLogger("inngest")

T = TypeVar("T")
_Member = tuple[object, str]
"""A middleware and its owner's name."""

REPLAY_HOOKS = ("wrap_step", "before_execution", "on_memoization_end")


class Stack:
    """The hooks of a sequence of middleware. The first is the outermost.

    :param owners: for each, text that follows the hook's name in errors and names its plugin.
    """

    def __init__(self, members: Sequence[object] = (), owners: Sequence[str] = ()) -> None:
        self._members = tuple(members)
        self._owners = tuple(owners) or ("",) * len(self._members)
        self._kinds: tuple[Any, ...] = tuple(map(type, self._members))
        self.watches_replay = any(map(self.implements, REPLAY_HOOKS))
        """Whether any member has a hook that is called while steps are replayed."""

    @classmethod
    def build(
        cls, factories: Sequence[Callable[..., object]], client: object, raw_request: object
    ) -> Flow[Stack | MiddlewareError]:
        """Create each middleware, in order; return the error of the first that fails."""
        if not factories:
            return EMPTY
        members: list[object] = []
        for factory in factories:
            outcome = yield Call(factory, (client, raw_request))
            if isinstance(outcome, Raised):
                failure = hook_failed(_name_of(factory), outcome.error)
                failure.is_of_plugin = isinstance(factory, OfPlugin)
                return failure
            member, kind = outcome.value, cast(Any, type(outcome.value))
            if not _is_middleware(kind):  # otherwise no hook would run, without notice
                return hook_failed(_name_of(factory), TypeError(_not_middleware(member)))
            members.append(member)
        return cls(members, [_owner_of(factory) for factory in factories])

    def implements(self, hook: str) -> bool:
        """Return whether any member overrides ``hook``."""
        return self._members != () and len(_overriding(self._kinds, hook)) > 0

    def before(self, hook: str, *args: object) -> Flow[MiddlewareError | None]:
        """Call ``hook`` of each member, first to last, until one fails."""
        members = self._with(hook) if self._members else ()
        return _call_in_order(hook, args, members) if members else NOTHING

    def after(self, hook: str, *args: object) -> Flow[MiddlewareError | None]:
        """Call ``hook`` of each member, last to first, until one fails."""
        members = self._with(hook)[::-1] if self._members else ()
        return _call_in_order(hook, args, members) if members else NOTHING

    def observe(self, hook: str, *args: object) -> Flow[None]:
        """Call ``hook`` of each member; log what they raise."""
        members = self._with(hook) if self._members else ()
        return _observe_all(hook, args, members) if members else NOTHING

    def wrap(self, hook: str, record: object, inside: Flow[Outcome[T]]) -> Flow[Outcome[T | None]]:
        """Run ``inside`` within ``hook`` of each member; the first is entered first.

        The outcome is ``Returned(None)`` if a hook swallowed an exception.
        """
        members = self._with(hook) if self._members else ()
        return _wrap_all(hook, record, inside, members) if members else inside

    def wrap_decoding(
        self, hook: str, record: object, inside: Flow[Outcome[T]]
    ) -> Flow[Outcome[T | None]]:
        """Like :meth:`wrap`, but enter the last first: what was encoded last is decoded first."""
        members = self._with(hook)[::-1] if self._members else ()
        return _wrap_all(hook, record, inside, members) if members else inside

    def _with(self, hook: str) -> Sequence[_Member]:
        """Return the members that override ``hook``."""
        members, owners = self._members, self._owners
        return [(members[index], owners[index]) for index in _overriding(self._kinds, hook)]


def _call_in_order(
    hook: str, args: tuple[object, ...], members: Iterable[_Member]
) -> Flow[MiddlewareError | None]:
    for label, call in _calls(hook, args, members):
        outcome = yield call
        if isinstance(outcome, Raised):
            return hook_failed(label, outcome.error)
    return None


def _observe_all(hook: str, args: tuple[object, ...], members: Iterable[_Member]) -> Flow[None]:
    for label, call in _calls(hook, args, members):
        outcome = yield call
        if isinstance(outcome, Raised):
            logger.error("%s failed", label, exc_info=outcome.error)


def _wrap_all(
    hook: str, record: object, inside: Flow[Outcome[T]], members: Sequence[_Member]
) -> Flow[Outcome[T | None]]:
    wraps = [
        Wrap(_label(member, hook, owner), getattr(member, hook), record)
        for member, owner in members
    ]
    outcome: Outcome[T | None] = yield Within(tuple(wraps), inside)
    return outcome


def _calls(
    hook: str, args: tuple[object, ...], members: Iterable[_Member]
) -> Iterable[tuple[str, Call]]:
    for member, owner in members:
        blocks = bool(getattr(member, "blocks", False))
        yield _label(member, hook, owner), Call(getattr(member, hook), args, blocks)


def _label(member: object, hook: str, owner: str) -> str:
    return f"{type(member).__name__}.{hook}{owner}"


@lru_cache(maxsize=4096)
def _overriding(kinds: tuple[Any, ...], hook: str) -> tuple[int, ...]:
    """Return the indexes of the classes that override ``hook``."""
    return tuple(position for position, kind in enumerate(kinds) if _overrides(kind, hook))


@lru_cache(maxsize=4096)
def _is_middleware(kind: type) -> bool:
    """Return whether ``kind`` has any hook. It need not be derived from a middleware class."""
    return any(callable(getattr(kind, hook, None)) for hook in HOOKS)


def _not_middleware(made: object) -> str:
    """Explain why ``made`` is not middleware."""
    if made is None:
        return "it returned None"
    if isinstance(made, type):
        return f"it returned the class {made.__name__}, not an instance of it"
    return f"it returned an object of {type(made).__name__}, which is not middleware"


def _overrides(kind: Any, hook: str) -> bool:
    method: Any = getattr(kind, hook, None)
    return method is not None and method not in (
        getattr(Middleware, hook),
        getattr(MiddlewareSync, hook),
    )


EMPTY = Stack()
"""A stack without middleware."""


def hook_failed(label: str, error: Exception) -> MiddlewareError:
    """Return a ``MiddlewareError`` that names the hook and has ``error`` as its cause."""
    failure = MiddlewareError(
        f"the middleware hook {label} failed: {type(error).__name__}: {message_of(error)}",
        is_retriable=error.is_retriable if isinstance(error, Error) else True,
    )
    return with_cause(failure, error)


def _name_of(factory: object) -> str:
    if isinstance(factory, OfPlugin):
        return f"{_name_of(factory.factory)}{_owner_of(factory)}"
    return f"{getattr(factory, '__name__', type(factory).__name__)}()"


def _owner_of(factory: object) -> str:
    return f" of plugin {factory.plugin!r}" if isinstance(factory, OfPlugin) else ""


__all__ = ["EMPTY", "Stack", "hook_failed"]
