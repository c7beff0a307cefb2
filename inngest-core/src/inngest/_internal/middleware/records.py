"""The objects that hooks receive: read-only facts, and outputs that a hook may replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest._internal.op import Opcode
from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.event import Event
    from inngest._internal.function.function import Function
    from inngest._internal.sent import SendEventsResult
    from inngest._internal.step.context import Context, ContextSync


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInfo:
    """One step of a run.

    ``attempt`` counts from 0. ``repr`` omits ``opts``, which may contain secrets.
    """

    id: str
    hashed_id: str
    op: Opcode
    opts: Mapping[str, object] | None = field(default=None, repr=False)
    attempt: int = 0
    is_final_attempt: bool = False
    """Whether no attempt follows a failure of this one; in ``on_step_error``, whether none will."""
    is_memoized: bool = False


@dataclass(kw_only=True)
class TransformOutputStepInfo:
    """The step of an output. ``opts`` may be changed; ``repr`` omits them."""

    id: str
    op: Opcode
    opts: dict[str, object] | None = field(default=None, repr=False)


@dataclass
class TransformOutputResult:
    """What is about to be reported: of a step, or of the function if ``step`` is ``None``.

    Hooks may replace ``error`` and ``output``. ``output`` consists of JSON types, or is an object
    that is still to be encoded; it is ``None`` if there is none (see :meth:`has_output`).
    """

    error: Exception | None = None
    output: object = field(default=UNSET, repr=False)
    step: TransformOutputStepInfo | None = None

    def __post_init__(self) -> None:
        # Not UNSET for hooks: many use the output without calling has_output().
        self._is_without = self.output is UNSET
        if self._is_without:
            self.output = None

    def has_output(self) -> bool:
        """Return whether there is an output, which may be ``None``."""
        return self.output is not None or not self._is_without


@dataclass(kw_only=True)
class _Wrapped:
    output: object = field(default=UNSET, repr=False)
    """JSON types, or ``UNSET``. May be replaced."""

    @property
    def has_output(self) -> bool:
        """Whether there is an output, which may be ``None``."""
        return self.output is not UNSET


@dataclass(kw_only=True)
class WrappedStep(_Wrapped):
    """A step that has an outcome in this call, because it is memoized or runs now.

    ``output`` is the stored value, before it is converted to its type: decode it here.
    """

    info: StepInfo


@dataclass(kw_only=True)
class WrappedHandler(_Wrapped):
    """One execution of a step's handler.

    ``output`` is the value that will be stored: encode it here. ``handler`` and ``args`` may be
    replaced before the handler runs.
    """

    info: StepInfo
    handler: Callable[..., object]
    args: tuple[object, ...] = field(repr=False)


@dataclass(kw_only=True)
class WrappedFunction(_Wrapped):
    """One call of the function's code. It has no output if the function stops at a step."""

    function: Function[Any]
    ctx: Context[Any] | ContextSync[Any]
    is_final_attempt: bool = False
    """Whether no attempt follows a failure of this one."""


@dataclass(kw_only=True)
class WrappedRequest:
    """A call from the server. ``status`` and ``body`` are those of the response, once it is known.

    ``headers`` are those of the call, whatever transport received it, with names in lower case.
    """

    function: Function[Any]
    run_id: str
    raw_request: object = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    body: bytes | None = field(default=None, repr=False)
    ends_run: bool = False
    """Whether the response ends the run: a result, or an error that will not be retried."""


@dataclass(kw_only=True)
class WrappedSend:
    """A send of events. ``events`` may be changed before it; ``result`` is set after it."""

    events: list[Event[Any]] = field(repr=False)
    result: SendEventsResult | None = None


__all__ = [
    "StepInfo",
    "TransformOutputResult",
    "TransformOutputStepInfo",
    "WrappedFunction",
    "WrappedHandler",
    "WrappedRequest",
    "WrappedSend",
    "WrappedStep",
]
