"""Flows: generators that ask for I/O and user code, and the effects they ask with.

A flow yields an effect and is sent the effect's outcome; two drivers in ``runtime``
perform effects, one sync, one async. Outcomes are values: a driver never throws an
``Exception`` into a flow, so a flow handles failure by matching on what it was sent.

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
    """Something only a driver can do. Nobody changes one, nor its outcome; see op.py."""

    __slots__ = ()


Flow: TypeAlias = Generator[Effect, Any, T]

NOTHING = cast("Flow[None]", ())
"""A flow with nothing to do, which is made for free: most calls have no hooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An outgoing HTTP request. ``repr`` does not show what may hold keys and data."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 30.0
    """Seconds to connect, and for each wait for the other side. An answer may trickle in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to a :class:`Request`, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class FetchError:
    """No answer came. ``cause`` keeps the library's own exception."""

    cause: Exception


@dataclass(slots=True)
class Fetch(Effect):
    """Make an HTTP request. Outcome: :class:`Response` or :class:`FetchError`."""

    request: Request


@dataclass(slots=True)
class Pause(Effect):
    """Let ``seconds`` pass. Outcome: ``None``."""

    seconds: float


@dataclass(slots=True)
class Returned(Generic[T_co]):
    """A call gave a value."""

    value: T_co


@dataclass(slots=True)
class Raised:
    """A call raised."""

    error: Exception


@dataclass(slots=True)
class Call(Effect):
    """Call the user's ``fn`` (sync or async). Outcome: :class:`Returned` or :class:`Raised`.

    ``SystemExit`` and the like become :class:`Raised` with an ``Error``: user code does
    not get to end the server that hosts it. Interrupts pass through the driver.
    """

    fn: Callable[..., object]
    args: tuple[object, ...] = ()
    blocks: bool = False
    """Whether it would hold up an event loop: it is called on a thread then."""


Outcome: TypeAlias = Returned[T] | Raised


@dataclass(slots=True)
class Wrap:
    """A hook that wraps: ``hook(record)`` gives a generator, sync or async, with one ``yield``."""

    label: str
    hook: Callable[..., object]
    record: object


@dataclass(slots=True)
class Within(Effect):
    """Run ``inside`` within some wraps, the first of them outermost.

    Outcome: that of ``inside``, unless a wrap raises, or swallows an exception: then it is
    ``Returned(None)``. Whatever ends ``inside``, each wrap that was entered is left.
    """

    wraps: tuple[Wrap, ...]
    inside: Flow[Outcome[Any]]


@dataclass(slots=True)
class Host(Effect):
    """Run ``flow`` where code of its kind belongs: on an event loop, or off it.

    Outcome: :class:`Returned` with what ``flow`` returns; :class:`Raised` when it could not
    be run to its end.
    """

    flow: Flow[Any]
    is_async: bool
