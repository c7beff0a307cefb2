"""What hooks are given: facts that stay, and outputs that a hook may replace."""

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

    ``attempt`` counts from 0. ``opts`` may hold secrets: ``repr`` does not show them.
    """

    id: str
    hashed_id: str
    op: Opcode
    opts: Mapping[str, object] | None = field(default=None, repr=False)
    attempt: int = 0
    is_final_attempt: bool = False
    """Whether no attempt follows if this one fails; in ``on_step_error``, whether none does."""
    is_memoized: bool = False


@dataclass(kw_only=True)
class TransformOutputStepInfo:
    """The step of an output. ``opts`` may be changed; ``repr`` does not show them."""

    id: str
    op: Opcode
    opts: dict[str, object] | None = field(default=None, repr=False)


@dataclass
class TransformOutputResult:
    """What is about to be reported: of a step, or of the function if ``step`` is ``None``.

    ``output`` holds JSON values, or what is none: it is to be made JSON then. It is ``None`` where
    there is no output. ``error`` and ``output`` may be replaced.
    """

    error: Exception | None = None
    output: object = field(default=UNSET, repr=False)
    step: TransformOutputStepInfo | None = None

    def __post_init__(self) -> None:
        # Hooks look at the output of whatever is reported, and many do not ask whether it has one.
        self._is_without = self.output is UNSET
        if self._is_without:
            self.output = None

    def has_output(self) -> bool:
        """Whether there is an output: ``None`` may be one."""
        return self.output is not None or not self._is_without


@dataclass(kw_only=True)
class _Wrapped:
    output: object = field(default=UNSET, repr=False)
    """JSON values, once there are any. May be replaced."""

    @property
    def has_output(self) -> bool:
        """Whether there is an output: ``None`` is one."""
        return self.output is not UNSET


@dataclass(kw_only=True)
class WrappedStep(_Wrapped):
    """A step that has an outcome in this call: a memoized one, or one that is run.

    The place to decode: ``output`` is what was stored, before it gets its type.
    """

    info: StepInfo


@dataclass(kw_only=True)
class WrappedHandler(_Wrapped):
    """One real execution of a step.

    The place to encode: ``output`` is what will be stored. ``handler`` and ``args`` may be
    replaced before it runs.
    """

    info: StepInfo
    handler: Callable[..., object]
    args: tuple[object, ...] = field(repr=False)


@dataclass(kw_only=True)
class WrappedFunction(_Wrapped):
    """One call of the function's code. Without an output when steps are to be reported."""

    function: Function[Any]
    ctx: Context[Any] | ContextSync[Any]
    is_final_attempt: bool = False
    """Whether no attempt follows if this one fails."""


@dataclass(kw_only=True)
class WrappedRequest:
    """One call from the server. ``status`` and ``body`` are those of its answer.

    ``headers`` are the call's, with names in lower case, whatever brought it.
    """

    function: Function[Any]
    run_id: str
    raw_request: object = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    body: bytes | None = field(default=None, repr=False)
    ends_run: bool = False
    """Whether the answer ends the run: a result, or an error that no attempt follows."""


@dataclass(kw_only=True)
class WrappedSend:
    """Events that are sent; ``events`` may be changed before, ``result`` is set after."""

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
