"""Build the request of each step method; shared by the async and the sync class.

Pure, except that deadlines are computed from the current time.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from inngest._internal.duration import in_utc, milliseconds, to_duration
from inngest._internal.errors import (
    BodyInvalidError,
    Error,
    NonRetriableError,
    OutputUnserializableError,
)
from inngest._internal.event import Event
from inngest._internal.event_type import EventType
from inngest._internal.function.reference import FunctionReference, Invocable
from inngest._internal.op import SLEEP, STEP_RUN, Opcode, StepCall
from inngest._internal.serialization.annotations import return_type
from inngest._internal.serialization.codec import PLAIN, Codec, codec_of_annotation
from inngest._internal.serialization.contract import Serializer
from inngest._internal.serialization.text import encode, to_json_values
from inngest._internal.step.fetch import check_headers, is_header_value
from inngest._internal.step.inputs import encode_input
from inngest._internal.types import UNSET, Deadline, Duration

if TYPE_CHECKING:
    from inngest._internal.step.ai import AIAdapter


def run(
    step_id: str,
    handler: Callable[..., object],
    args: tuple[object, ...],
    output_type: object = UNSET,
    serializer: Serializer | None = None,
    name: str | None = None,
) -> StepCall:
    """Request a step that runs in this process."""
    if not callable(handler):
        raise NonRetriableError(
            f'step "{step_id}" needs a callable, not a {type(handler).__name__}; '
            "pass the function itself, and its arguments after it"
        )
    call = StepCall(step_id, STEP_RUN, handler, args, output_type, serializer)
    if name is not None:
        call.display_name = name
    return call


def wrap(
    step_id: str,
    handler: Callable[..., object],
    args: tuple[object, ...],
    output_type: object,
    serializer: Serializer | None,
    name: str | None,
) -> StepCall:
    """Request a step that runs in this process and shows its arguments to the server."""
    call = run(step_id, handler, args, output_type, serializer, name)
    call.opts = {"type": "step.ai.wrap", **encode_input(args)}
    return call


def codec_of(call: StepCall, serializer: Serializer | None) -> Codec:
    """Return how the output of a step is stored; ``serializer`` is the client's."""
    preferred = call.serializer or serializer
    if call.codec is not None:
        return call.codec if call.codec.serializer or not preferred else call.codec.using(preferred)
    if call.handler is None:
        # Of the outputs that the server stores, only functions' results come from a serializer.
        if preferred is None or call.opcode is not Opcode.INVOKE:
            return PLAIN
        return PLAIN.using(preferred)
    if call.output_type is not UNSET:
        return Codec(typ=call.output_type, is_declared=True, serializer=preferred)
    typ = return_type(call.handler)
    if preferred is not None:
        return Codec(typ=typ, serializer=preferred)
    return PLAIN if typ is UNSET else codec_of_annotation(typ)


def sleep(step_id: str, duration: Duration, name: str | None = None) -> StepCall:
    """Request a sleep of ``duration``, timed by the server, as the clocks may differ."""
    try:
        length = milliseconds(duration)
    except ValueError as error:
        raise NonRetriableError(f'step "{step_id}": duration: {error}') from None
    call = StepCall(step_id, SLEEP)
    call.name = f"{length}ms" if length > 0 else "0ms"
    call.display_name = name
    return call


def sleep_until(step_id: str, until: datetime.datetime, name: str | None = None) -> StepCall:
    """Request a sleep until ``until``; a naive ``datetime`` is local time."""
    if not isinstance(until, datetime.datetime):
        raise NonRetriableError(
            f'step "{step_id}": until: a datetime is needed, not a {type(until).__name__}'
        )
    try:
        instant = format_instant(until)
    except ValueError as error:
        raise NonRetriableError(f'step "{step_id}": until: {error}') from error
    return StepCall.for_server(step_id, SLEEP, name=instant, display_name=name)


def wait_for_event(
    step_id: str, event: str, if_exp: str | None, timeout: Deadline, name: str | None = None
) -> StepCall:
    """Request a wait for an event, limited by ``timeout``."""
    opts: dict[str, object] = {"timeout": deadline(step_id, timeout)}
    if if_exp is not None:
        opts["if"] = if_exp
    return StepCall.for_server(
        step_id, Opcode.WAIT_FOR_EVENT, name=event, display_name=name, opts=opts
    )


def event_name(event: str | EventType[Any]) -> str:
    """Return the name of an event."""
    return event if isinstance(event, str) else event.name


def event_of(step_id: str, raw: object, event: str | EventType[Any]) -> Event[Any] | None:
    """Decode the event that a wait received; ``None`` after a timeout.

    :raises EventInvalidError: its data does not match the model of ``event``.
    :raises NonRetriableError: the stored result is not an event.
    """
    if raw is None:
        return None
    decoded: Event[Any] | Error = Event.decode(raw)
    if isinstance(decoded, BodyInvalidError):
        raise NonRetriableError(
            f'step "{step_id}": the stored result is not an event. If another kind of step had '
            "this id when the run executed it, use a different id"
        )
    if isinstance(event, EventType) and isinstance(decoded, Event):
        decoded = event.parse(decoded)
    if isinstance(decoded, Error):
        raise decoded
    return decoded


def invoke(
    step_id: str,
    function: Invocable[Any, Any],
    app_id: str,
    data: object,
    timeout: Deadline | None,
    v: str | None,
    name: str | None = None,
) -> StepCall:
    """Request a call of another function. ``app_id`` is the caller's."""
    opts: dict[str, object] = {"function_id": called_id(step_id, function, app_id)}
    payload: dict[str, object] = {"data": call_data(step_id, function, data)}
    if v is not None:
        payload["v"] = v
    opts["payload"] = payload
    if timeout is not None:
        opts["timeout"] = deadline(step_id, timeout)
    return StepCall.for_server(
        step_id, Opcode.INVOKE, display_name=name, opts=opts, codec=function.codec_for_callers
    )


def called_id(step_id: str, function: Invocable[Any, Any], app_id: str) -> str:
    """Return the id by which the server knows ``function``. ``app_id`` is the caller's.

    :raises NonRetriableError: ``function`` is not a function or a reference.
    """
    if not hasattr(function, "id_within"):
        raise NonRetriableError(
            f'step "{step_id}": function: must be a result of create_function or '
            f"reference_function, not a {type(function).__name__}"
        )
    return function.id_within(app_id)


def call_data(step_id: str, function: Invocable[Any, Any], data: object) -> dict[str, object]:
    """Return the data of a call of ``function`` as JSON types.

    :raises OutputUnserializableError: the data is not JSON.
    :raises NonRetriableError: the data is not of the type that the reference declares.
    """
    model = function.data if isinstance(function, FunctionReference) else None
    if model is not None and not isinstance(data, model):
        raise NonRetriableError(
            f'step "{step_id}": data: must be a {model.__name__}, not a {type(data).__name__}'
        )
    what = f'the data of step "{step_id}"'
    payload: object
    if data is None or isinstance(data, Mapping):
        payload = dict(data or {})
        if not isinstance(encode(payload, what), str):
            with contextlib.suppress(Exception):  # encode() below returns a better error
                payload = to_json_values(payload)
    else:
        payload = Codec(typ=type(data)).dump(data, what)
    for each in (payload, encode(payload, what, advice="")):
        if isinstance(each, OutputUnserializableError):
            raise each
    return cast("dict[str, object]", payload)


def infer(
    step_id: str, adapter: AIAdapter, body: Mapping[str, object], name: str | None = None
) -> StepCall:
    """Request that the server calls a model. The adapter modifies a copy of ``body``."""
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
    unserializable = encode(opts, f'the request of step "{step_id}"', advice="")
    if isinstance(unserializable, OutputUnserializableError):
        raise unserializable
    check_headers(step_id, adapter.headers())
    if not is_header_value(str(adapter.auth_key())):
        raise NonRetriableError(
            f'step "{step_id}": auth_key: contains a line break or another control character'
        )
    return StepCall.for_server(step_id, Opcode.AI_GATEWAY, display_name=name, opts=opts)


def deadline(step_id: str, timeout: Deadline) -> str:
    """Return a timeout as a duration, since the server does not accept an instant here."""
    try:
        if not isinstance(timeout, datetime.datetime):
            return to_duration(timeout)
        left = in_utc(timeout) - datetime.datetime.now(datetime.timezone.utc)
        return f"{max(milliseconds(left), 0)}ms"
    except (OverflowError, ValueError) as error:
        raise NonRetriableError(f'step "{step_id}": timeout: {error}') from None


def format_instant(when: datetime.datetime) -> str:
    """Format an instant as RFC 3339 in UTC with milliseconds, as the server expects it."""
    utc = in_utc(when)
    # Not strftime(), which does not pad years below 1000 on all platforms.
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
