"""What a step asks for, and how it is told to the server. Values only."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.serialization.codec import Codec
    from inngest._internal.serialization.contract import Serializer


class Opcode(str, enum.Enum):
    """The operations of the protocol that user code can ask for (PROTOCOL section 11)."""

    AI_GATEWAY = "AIGateway"
    DEFER_ABORT = "DeferAbort"
    DEFER_ADD = "DeferAdd"
    GATEWAY = "Gateway"
    INVOKE = "InvokeFunction"
    PLANNED = "StepPlanned"
    RUN_COMPLETE = "RunComplete"
    SLEEP = "Sleep"
    STEP_RUN = "StepRun"
    STEP_ERROR = "StepError"
    STEP_FAILED = "StepFailed"
    WAIT_FOR_EVENT = "WaitForEvent"
    WAIT_FOR_SIGNAL = "WaitForSignal"


# Python 3.11 takes a while to find the member of an enumeration.
STEP_RUN = Opcode.STEP_RUN
SLEEP = Opcode.SLEEP

# A replay makes one of these for every step: a frozen one costs three times as much, and one
# that is made by keywords twice.


@dataclass(slots=True)
class StepID:
    """A step's identity within one run: the ``index``-th use of the user's ``id``."""

    id: str
    index: int
    hashed: str


@dataclass
class StepCall:
    """One call of a step method, before the engine has seen it.

    ``handler`` is present for steps that run in this process; all others are carried
    out by the server. ``codec`` says how the output is stored; without one, ``output_type``,
    ``serializer`` and what the handler says it returns do.
    """

    # Without slots, as what most calls leave alone then costs them nothing.

    id: str
    opcode: Opcode
    handler: Callable[..., object] | None = None
    args: tuple[object, ...] = field(default=(), repr=False)
    output_type: object = UNSET
    serializer: Serializer | None = None
    name: str | None = field(default=None, init=False)
    display_name: str | None = field(default=None, init=False)
    """What people see instead of the id."""
    opts: Mapping[str, object] | None = field(default=None, init=False, repr=False)
    codec: Codec | None = field(default=None, init=False)
    race: bool = field(default=False, init=False)

    @classmethod
    def for_server(
        cls,
        step_id: str,
        opcode: Opcode,
        *,
        name: str | None = None,
        display_name: str | None = None,
        opts: Mapping[str, object] | None = None,
        codec: Codec | None = None,
    ) -> StepCall:
        """A step that the server carries out."""
        call = cls(step_id, opcode)
        call.name, call.display_name, call.opts, call.codec = name, display_name, opts, codec
        return call


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorData:
    """An error as the protocol spells it (PROTOCOL section 10)."""

    code: str
    name: str
    message: str
    stack: str | None = None


@dataclass(slots=True, kw_only=True)
class Op:
    """One entry of the answer that reports steps.

    ``data`` is the step's output as JSON text: it is encoded once, where it is made.
    """

    step: StepID
    opcode: Opcode
    name: str
    display_name: str | None = None
    """What people see instead of the id."""
    opts: Mapping[str, object] | None = field(default=None, repr=False)
    data: str = field(default="null", repr=False)
    error: ErrorData | None = None
    cause: Exception | None = None
    """The exception that ``error`` describes; it does not travel."""
    timing: tuple[int, int] | None = None
    """When the handler started, since 1970, and how long it ran; nanoseconds."""
    is_retriable: bool = True
    is_quiet: bool = False
    retry_after: str | None = None
    is_shown: bool = False
    """Whether the ``transform_output`` hooks have seen it: they see each once."""


__all__ = ["SLEEP", "STEP_RUN", "ErrorData", "Op", "Opcode", "StepCall", "StepID"]
