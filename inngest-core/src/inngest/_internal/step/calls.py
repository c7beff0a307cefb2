"""What each step method asks the engine for. Pure; both faces build their calls here."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from inngest._internal.errors import Error, NonRetriableError, OutputUnserializableError
from inngest._internal.event import Event
from inngest._internal.event_type import EventType
from inngest._internal.function.duration import milliseconds, to_duration
from inngest._internal.op import STEP_RUN, Opcode, StepCall
from inngest._internal.serialization.annotations import return_type
from inngest._internal.serialization.codec import PLAIN, Codec, codec_of_annotation
from inngest._internal.serialization.contract import Serializer
from inngest._internal.serialization.text import encode
from inngest._internal.types import UNSET, Duration

if TYPE_CHECKING:
    from inngest._internal.step.ai import AIAdapter


def run(
    step_id: str,
    handler: Callable[..., object],
    args: tuple[object, ...],
    output_type: object = UNSET,
    serializer: Serializer | None = None,
) -> StepCall:
    """A step that runs in this process."""
    if not callable(handler):
        raise NonRetriableError(
            f'step "{step_id}" needs a callable, not a {type(handler).__name__}; '
            "pass the function itself, and its arguments after it"
        )
    return StepCall(step_id, STEP_RUN, handler, args, output_type, serializer)


def codec_of(call: StepCall, serializer: Serializer | None) -> Codec:
    """How the output of a step is stored; ``serializer`` is its client's."""
    chosen = call.serializer or serializer
    if call.codec is not None:
        return call.codec if call.codec.serializer or not chosen else call.codec.using(chosen)
    if call.handler is None:
        return PLAIN if chosen is None else PLAIN.using(chosen)
    if call.output_type is not UNSET:
        return Codec(typ=call.output_type, is_declared=True, serializer=chosen)
    typ = return_type(call.handler)
    if chosen is not None:
        return Codec(typ=typ, serializer=chosen)
    return PLAIN if typ is UNSET else codec_of_annotation(typ)


def sleep(step_id: str, duration: Duration) -> StepCall:
    """Sleep for ``duration``, counted by the server: its clock may differ from ours."""
    if isinstance(duration, bool) or not isinstance(duration, (int, datetime.timedelta)):
        raise NonRetriableError(
            f'step "{step_id}": the duration is a timedelta or an int of milliseconds, '
            f"not a {type(duration).__name__}"
        )
    length = f"{max(milliseconds(duration), 0)}ms"
    return StepCall(id=step_id, opcode=Opcode.SLEEP, name=length)


def sleep_until(step_id: str, until: datetime.datetime) -> StepCall:
    """Sleep until an instant; a naive one is local time."""
    if not isinstance(until, datetime.datetime):
        raise NonRetriableError(
            f'step "{step_id}": the end is a datetime, not a {type(until).__name__}'
        )
    try:
        instant = format_instant(until)
    except (OverflowError, ValueError) as error:
        raise NonRetriableError(f'step "{step_id}": the end cannot be used: {error}') from error
    return StepCall(id=step_id, opcode=Opcode.SLEEP, name=instant)


def wait_for_event(step_id: str, event: str, if_exp: str | None, timeout: Duration) -> StepCall:
    """Wait for an event, or for ``timeout`` to pass."""
    opts: dict[str, object] = {"timeout": _timeout(timeout)}
    if if_exp is not None:
        opts["if"] = if_exp
    return StepCall(id=step_id, opcode=Opcode.WAIT_FOR_EVENT, name=event, opts=opts)


def event_name(event: str | EventType[Any]) -> str:
    """The name of an event that is named, or typed."""
    return event if isinstance(event, str) else event.name


def event_of(raw: object, event: str | EventType[Any]) -> Event[Any] | None:
    """Read the event that a wait has found.

    :raises EventInvalidError: its data does not fit the model of ``event``.
    """
    if raw is None:
        return None
    decoded: Event[Any] | Error = Event.decode(raw)
    if isinstance(event, EventType) and isinstance(decoded, Event):
        decoded = event.parse(decoded)
    if isinstance(decoded, Error):
        raise decoded
    return decoded


def invoke(
    step_id: str,
    function_id: str,
    data: Mapping[str, object] | None,
    timeout: Duration | None,
    v: str | None,
    codec: Codec | None = None,
) -> StepCall:
    """Call another function and wait for what it returns, which ``codec`` reads."""
    payload: dict[str, object] = {"data": dict(data or {})}
    if v is not None:
        payload["v"] = v
    unserializable = encode(payload, f'the data of step "{step_id}"')
    if isinstance(unserializable, OutputUnserializableError):
        raise unserializable
    opts: dict[str, object] = {"function_id": function_id, "payload": payload}
    if timeout is not None:
        opts["timeout"] = _timeout(timeout)
    return StepCall(id=step_id, opcode=Opcode.INVOKE, opts=opts, codec=codec)


def infer(step_id: str, adapter: AIAdapter, body: Mapping[str, object]) -> StepCall:
    """Have the server call a model. ``body`` stays as it is: the adapter changes a copy."""
    request = copy.deepcopy(dict(body))
    adapter.on_call(request)
    opts: dict[str, object] = {
        "type": "step.ai.infer",
        "url": adapter.url_infer(),
        "headers": adapter.headers(),
        "auth_key": adapter.auth_key(),
        "format": adapter.format(),
        "body": request,
    }
    unserializable = encode(opts, f'the request of step "{step_id}"')
    if isinstance(unserializable, OutputUnserializableError):
        raise unserializable
    return StepCall(id=step_id, opcode=Opcode.AI_GATEWAY, opts=opts)


def format_instant(when: datetime.datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the server reads it."""
    utc = when.astimezone(datetime.timezone.utc)
    # Not strftime: it writes the year 1 as "1".
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _timeout(timeout: Duration) -> str:
    try:
        return to_duration(timeout)
    except Exception as error:
        raise NonRetriableError(f"the timeout cannot be used: {error}") from error
