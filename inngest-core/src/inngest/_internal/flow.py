"""Flows: generators that request I/O and calls of user code by yielding effects.

A flow yields an effect and is sent its outcome; a sync and an async driver in ``runtime``
perform effects. Outcomes are values: a driver never throws an ``Exception`` into a flow, so a
flow handles failures by matching on what it was sent.

    def fetch_batch(run_id: str) -> Flow[Batch | FetchError]:
        outcome = yield Fetch(request)
        match outcome:
            case FetchError(): return outcome
            case Response(): return Batch.parse(outcome.body)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Effect:
    """A request that only a driver can perform. Effects and outcomes are never modified."""

    __slots__ = ()


Flow: TypeAlias = Generator[Effect, Any, T]

NOTHING = cast("Flow[None]", ())
"""An empty flow, for the common case of a call without hooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An outgoing HTTP request. Its ``repr`` omits what may contain keys or data."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 30.0
    """Seconds to connect, and for each single read or write; not for the whole exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to a :class:`Request`, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class FetchError:
    """No response was received. ``cause`` is the HTTP library's exception."""

    cause: Exception


@dataclass(slots=True)
class Fetch(Effect):
    """Make an HTTP request. Outcome: :class:`Response` or :class:`FetchError`."""

    request: Request


@dataclass(slots=True)
class Pause(Effect):
    """Wait for ``seconds``. Outcome: ``None``."""

    seconds: float


@dataclass(slots=True)
class Returned(Generic[T_co]):
    """A call returned a value."""

    value: T_co


@dataclass(slots=True)
class Raised:
    """A call raised an exception."""

    error: Exception


@dataclass(slots=True)
class Call(Effect):
    """Call the user's ``fn`` (sync or async). Outcome: :class:`Returned` or :class:`Raised`.

    ``SystemExit`` and the like become :class:`Raised` with an ``Error``, because user code must
    not end the server process. Interrupts are not caught.
    """

    fn: Callable[..., object]
    args: tuple[object, ...] = ()
    blocks: bool = False
    """Whether ``fn`` would block an event loop: it is then called on a thread."""


Outcome: TypeAlias = Returned[T] | Raised


@dataclass(slots=True)
class Wrap:
    """A wrapping hook: ``hook(record)`` returns a sync or async generator with one ``yield``."""

    label: str
    hook: Callable[..., object]
    record: object


@dataclass(slots=True)
class Within(Effect):
    """Run ``inside`` within wrapping hooks, the first of them outermost.

    Outcome: that of ``inside``, unless a hook raises an exception, or swallows one, which gives
    ``Returned(None)``. Each hook that was entered is exited, however ``inside`` ends.
    """

    wraps: tuple[Wrap, ...]
    inside: Flow[Outcome[Any]]


@dataclass(slots=True)
class Host(Effect):
    """Run ``flow`` where code of its kind belongs: on an event loop, or off it.

    Outcome: :class:`Returned` with the return value of ``flow``, or :class:`Raised` if it could
    not be completed.
    """

    flow: Flow[Any]
    is_async: bool
