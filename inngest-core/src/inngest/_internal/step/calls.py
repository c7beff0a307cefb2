"""What each step method asks the engine for: both faces build their calls here.

Pure, but for the clock that a deadline is counted with.
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
from inngest._internal.step.inputs import shown_input
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
    """A step that runs in this process."""
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
    """A step that runs in this process and shows its arguments to the server."""
    call = run(step_id, handler, args, output_type, serializer, name)
    call.opts = {"type": "step.ai.wrap", **shown_input(args)}
    return call


def codec_of(call: StepCall, serializer: Serializer | None) -> Codec:
    """How the output of a step is stored; ``serializer`` is its client's."""
    chosen = call.serializer or serializer
    if call.codec is not None:
        return call.codec if call.codec.serializer or not chosen else call.codec.using(chosen)
    if call.handler is None:
        # Only what a function returned was written by a serializer; the rest is the server's.
        if chosen is None or call.opcode is not Opcode.INVOKE:
            return PLAIN
        return PLAIN.using(chosen)
    if call.output_type is not UNSET:
        return Codec(typ=call.output_type, is_declared=True, serializer=chosen)
    typ = return_type(call.handler)
    if chosen is not None:
        return Codec(typ=typ, serializer=chosen)
    return PLAIN if typ is UNSET else codec_of_annotation(typ)


def sleep(step_id: str, duration: Duration, name: str | None = None) -> StepCall:
    """Sleep for ``duration``, counted by the server: its clock may differ from ours."""
    try:
        length = milliseconds(duration)
    except ValueError as error:
        raise NonRetriableError(f'step "{step_id}": duration: {error}') from None
    call = StepCall(step_id, SLEEP)
    call.name = f"{length}ms" if length > 0 else "0ms"
    call.display_name = name
    return call


def sleep_until(step_id: str, until: datetime.datetime, name: str | None = None) -> StepCall:
    """Sleep until an instant; a naive one is local time."""
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
    """Wait for an event, or for ``timeout`` to pass."""
    opts: dict[str, object] = {"timeout": deadline(step_id, timeout)}
    if if_exp is not None:
        opts["if"] = if_exp
    return StepCall.for_server(
        step_id, Opcode.WAIT_FOR_EVENT, name=event, display_name=name, opts=opts
    )


def event_name(event: str | EventType[Any]) -> str:
    """The name of an event that is named, or typed."""
    return event if isinstance(event, str) else event.name


def event_of(step_id: str, raw: object, event: str | EventType[Any]) -> Event[Any] | None:
    """Read the event that a wait has found.

    :raises EventInvalidError: its data does not fit the model of ``event``.
    :raises NonRetriableError: it is none, but what another kind of step has left.
    """
    if raw is None:
        return None
    decoded: Event[Any] | Error = Event.decode(raw)
    if isinstance(decoded, BodyInvalidError):
        raise NonRetriableError(
            f'step "{step_id}": what is stored for it is no event. Was it another kind of step '
            "when the run came by? Give the new one an id of its own"
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
    """Call another function and wait for what it returns. ``app_id`` is the caller's."""
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
    """Return the id that the server knows of what is called. ``app_id`` is the caller's.

    :raises NonRetriableError: it is no function.
    """
    if not hasattr(function, "id_within"):
        raise NonRetriableError(
            f'step "{step_id}": function: what create_function or reference_function made is '
            f"needed, not a {type(function).__name__}"
        )
    return function.id_within(app_id)


def call_data(step_id: str, function: Invocable[Any, Any], data: object) -> dict[str, object]:
    """Return the data of a call of ``function`` as JSON values.

    :raises OutputUnserializableError: it cannot be JSON.
    :raises NonRetriableError: it is not what a reference declares.
    """
    model = function.data if isinstance(function, FunctionReference) else None
    if model is not None and not isinstance(data, model):
        raise NonRetriableError(
            f'step "{step_id}": data: a {model.__name__} is needed, not a {type(data).__name__}'
        )
    what = f'the data of step "{step_id}"'
    given: object
    if data is None or isinstance(data, Mapping):
        given = dict(data or {})
        if not isinstance(encode(given, what), str):
            with contextlib.suppress(Exception):  # the error below says what is wrong
                given = to_json_values(given)
    else:
        given = Codec(typ=type(data)).dump(data, what)
    for each in (given, encode(given, what, advice="")):
        if isinstance(each, OutputUnserializableError):
            raise each
    return cast("dict[str, object]", given)


def infer(
    step_id: str, adapter: AIAdapter, body: Mapping[str, object], name: str | None = None
) -> StepCall:
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
    unserializable = encode(opts, f'the request of step "{step_id}"', advice="")
    if isinstance(unserializable, OutputUnserializableError):
        raise unserializable
    check_headers(step_id, adapter.headers())
    if not is_header_value(str(adapter.auth_key())):
        raise NonRetriableError(
            f'step "{step_id}": auth_key: it cannot be sent: it holds a line break, or another '
            "control character"
        )
    return StepCall.for_server(step_id, Opcode.AI_GATEWAY, display_name=name, opts=opts)


def deadline(step_id: str, timeout: Deadline) -> str:
    """A length of time in any case: servers read no instant here."""
    try:
        if not isinstance(timeout, datetime.datetime):
            return to_duration(timeout)
        left = in_utc(timeout) - datetime.datetime.now(datetime.timezone.utc)
        return f"{max(milliseconds(left), 0)}ms"
    except (OverflowError, ValueError) as error:
        raise NonRetriableError(f'step "{step_id}": timeout: {error}') from None


def format_instant(when: datetime.datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the server reads it."""
    utc = in_utc(when)
    # Not strftime: it writes the year 1 as "1".
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
