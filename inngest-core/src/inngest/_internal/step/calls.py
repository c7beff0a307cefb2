"""What each step method asks the engine for. Pure; both faces build their calls here."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

from inngest._internal.errors import NonRetriableError, OutputUnserializableError
from inngest._internal.function.duration import milliseconds, to_duration
from inngest._internal.op import Opcode, StepCall
from inngest._internal.serialization import encode
from inngest._internal.types import Duration


def run(step_id: str, handler: Callable[..., object], args: tuple[object, ...]) -> StepCall:
    """A step that runs in this process."""
    return StepCall(id=step_id, opcode=Opcode.STEP_RUN, handler=handler, args=args)


def sleep(step_id: str, duration: Duration) -> StepCall:
    """Sleep for ``duration``, counted by the server: its clock may differ from ours."""
    length = f"{max(milliseconds(duration), 0)}ms"
    return StepCall(id=step_id, opcode=Opcode.SLEEP, name=length)


def sleep_until(step_id: str, until: datetime.datetime) -> StepCall:
    """Sleep until an instant; a naive one is local time."""
    return StepCall(id=step_id, opcode=Opcode.SLEEP, name=format_instant(until))


def wait_for_event(step_id: str, event: str, if_exp: str | None, timeout: Duration) -> StepCall:
    """Wait for an event, or for ``timeout`` to pass."""
    opts: dict[str, object] = {"timeout": _timeout(timeout)}
    if if_exp is not None:
        opts["if"] = if_exp
    return StepCall(id=step_id, opcode=Opcode.WAIT_FOR_EVENT, name=event, opts=opts)


def invoke(
    step_id: str,
    function_id: str,
    data: Mapping[str, object] | None,
    timeout: Duration | None,
    v: str | None,
) -> StepCall:
    """Call another function and wait for what it returns."""
    payload: dict[str, object] = {"data": dict(data or {})}
    if v is not None:
        payload["v"] = v
    unserializable = encode(payload, f'the data of step "{step_id}"')
    if isinstance(unserializable, OutputUnserializableError):
        raise unserializable
    opts: dict[str, object] = {"function_id": function_id, "payload": payload}
    if timeout is not None:
        opts["timeout"] = _timeout(timeout)
    return StepCall(id=step_id, opcode=Opcode.INVOKE, opts=opts)


def format_instant(when: datetime.datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the server reads it."""
    utc = when.astimezone(datetime.timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def _timeout(timeout: Duration) -> str:
    try:
        return to_duration(timeout)
    except Exception as error:
        raise NonRetriableError(f"the timeout cannot be used: {error}") from error
