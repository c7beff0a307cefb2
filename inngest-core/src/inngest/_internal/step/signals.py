"""Steps that wait for a signal."""

from __future__ import annotations

from typing import Any, Literal

from inngest._internal.checks import is_text
from inngest._internal.errors import NonRetriableError, OutputUnserializableError
from inngest._internal.op import Opcode, StepCall
from inngest._internal.serialization.codec import Codec
from inngest._internal.signal import Signal
from inngest._internal.step.calls import deadline
from inngest._internal.types import UNSET, Deadline

OnConflict = Literal["fail", "replace"]


def wait_for_signal(
    step_id: str, signal: str, timeout: Deadline, on_conflict: OnConflict, name: str | None
) -> StepCall:
    """Request a wait for a signal, limited by ``timeout``."""
    if not is_text(signal):
        raise NonRetriableError(f'step "{step_id}": signal: must be a string, and not empty')
    if on_conflict not in ("fail", "replace"):
        raise NonRetriableError(f'step "{step_id}": on_conflict: must be "fail" or "replace"')
    opts: dict[str, object] = {"signal": signal, "timeout": deadline(step_id, timeout)}
    if on_conflict != "fail":
        opts["conflict"] = on_conflict
    return StepCall.for_server(
        step_id, Opcode.WAIT_FOR_SIGNAL, name=signal, display_name=name, opts=opts
    )


def signal_of(raw: object, signal: str, data_type: object) -> Signal[Any] | None:
    """Decode the signal that a wait received; ``None`` after a timeout.

    :raises OutputUnserializableError: its data does not match ``data_type``.
    """
    if not isinstance(raw, dict):
        return None
    codec = Codec(typ=data_type, is_declared=data_type is not UNSET)
    data = codec.load(raw.get("data"), f'signal "{signal}"')
    if isinstance(data, OutputUnserializableError):
        raise data
    return Signal(name=str(raw.get("signal") or signal), data=data)


__all__ = ["OnConflict", "signal_of", "wait_for_signal"]
