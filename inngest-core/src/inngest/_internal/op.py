"""Steps as user code requests them, and as they are reported to the server. Values only."""

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
    """The operations that user code can request (PROTOCOL section 11)."""

    AI_GATEWAY = "AIGateway"
    DEFER_ABORT = "DeferAbort"
    DEFER_ADD = "DeferAdd"
    DISCOVERY = "DiscoveryRequest"
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


# Module constants, because looking up enum members is slow on Python 3.11.
STEP_RUN = Opcode.STEP_RUN
SLEEP = Opcode.SLEEP

# A replay creates one of these for each step. A frozen dataclass takes three times as long to
# create, and keyword arguments double the time.


@dataclass(slots=True)
class StepID:
    """A step's identity within one run: the ``index``-th use of the user's ``id``."""

    id: str
    index: int
    hashed: str


@dataclass
class StepCall:
    """One call of a step method, before the engine has seen it.

    ``handler`` is set for steps that run in this process; the server carries out all others.
    The output is stored with ``codec`` if it is set, otherwise according to ``output_type``,
    ``serializer`` and the handler's return annotation.
    """

    # No slots: fields that keep their defaults are then class attributes and cost nothing.

    id: str
    opcode: Opcode
    handler: Callable[..., object] | None = None
    args: tuple[object, ...] = field(default=(), repr=False)
    output_type: object = UNSET
    serializer: Serializer | None = None
    name: str | None = field(default=None, init=False)
    display_name: str | None = field(default=None, init=False)
    """The name shown to people instead of the id."""
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
        """Make a step that the server carries out."""
        call = cls(step_id, opcode)
        call.name, call.display_name, call.opts, call.codec = name, display_name, opts, codec
        return call


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorData:
    """An error as the protocol encodes it (PROTOCOL section 10)."""

    code: str
    name: str
    message: str
    stack: str | None = None


@dataclass(slots=True, kw_only=True)
class Op:
    """One entry of a response that reports steps.

    ``data`` is the step's output as JSON text, so that it is encoded only once.
    """

    step: StepID
    opcode: Opcode
    name: str
    display_name: str | None = None
    """The name shown to people instead of the id."""
    opts: Mapping[str, object] | None = field(default=None, repr=False)
    data: str = field(default="null", repr=False)
    error: ErrorData | None = None
    cause: Exception | None = None
    """The exception that ``error`` describes; not sent."""
    timing: tuple[int, int] | None = None
    """The handler's start, since the Unix epoch, and its duration; both in nanoseconds."""
    is_retriable: bool = True
    is_quiet: bool = False
    retry_after: str | None = None
    is_shown: bool = False
    """Whether the ``transform_output`` hooks have been called with it: they run once."""


__all__ = ["SLEEP", "STEP_RUN", "ErrorData", "Op", "Opcode", "StepCall", "StepID"]
