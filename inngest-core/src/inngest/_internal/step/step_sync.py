"""The steps of a sync function. The methods match those of ``Step``."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping
from typing import Any, cast, overload

from typing_extensions import TypeVar, TypeVarTuple, Unpack

from inngest._internal.event import Event
from inngest._internal.event_type import EventType, ModelT
from inngest._internal.function.reference import CallData, FunctionReference, Invocable
from inngest._internal.serialization.contract import Serializer
from inngest._internal.signal import Signal
from inngest._internal.step import calls, signals
from inngest._internal.step.ai import AISync
from inngest._internal.step.deferral import DeferredSync, defer
from inngest._internal.step.fetch import FetchedResponse, fetch, response_of
from inngest._internal.step.runner import Events, MetadataOp, StepRunnerSync
from inngest._internal.types import JSON, UNSET, Deadline, Duration

T = TypeVar("T")
CallDataT = TypeVar("CallDataT", default=CallData)
DataT = TypeVar("DataT")
Ts = TypeVarTuple("Ts")


class StepSync:
    """The steps of a sync function. Each method call is a durable checkpoint.

    ``step_id`` identifies the step and must not change while runs are in progress; ``name`` is
    shown to people instead. All methods raise :class:`inngest.StepError` when the step has failed
    in its last attempt, and another :class:`inngest.errors.Error` if an argument is invalid.
    """

    def __init__(self, runner: StepRunnerSync) -> None:
        self._runner = runner

    @property
    def ai(self) -> AISync:
        """Steps that call a model."""
        return AISync(self._runner)

    def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], T],
        *handler_args: Unpack[Ts],
        name: str | None = None,
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)`` until it succeeds once; then return the stored result.

        :param handler: the code of the step.
        :param handler_args: positional arguments for ``handler``.
        :param output_type: the type to which the stored JSON is converted; by default the
            handler's return annotation.
        :param serializer: encodes and decodes the result instead of the client's serializer; an
            object, or the name of one that a plugin provides.
        """
        if serializer is not None:
            serializer = self._runner.find_serializer(serializer)
        call = calls.run(step_id, handler, handler_args, output_type, serializer, name)
        return cast(T, self._runner.take(call))

    def sleep(self, step_id: str, duration: Duration, *, name: str | None = None) -> None:
        """Sleep for a ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""
        self._runner.take(calls.sleep(step_id, duration, name))

    def sleep_until(
        self, step_id: str, until: datetime.datetime, *, name: str | None = None
    ) -> None:
        """Sleep until ``until``; a naive ``datetime`` is local time."""
        self._runner.take(calls.sleep_until(step_id, until, name))

    def send_event(self, step_id: str, events: Events, *, name: str | None = None) -> list[str]:
        """Send an event, or a list of events, once; return their ids."""
        call = calls.run(step_id, self._runner.send, (events,), name=name)
        return cast("list[str]", self._runner.take(call))

    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event | None: ...

    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: EventType[ModelT],
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event[ModelT] | None: ...

    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | EventType[Any],
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event[Any] | None:
        """Wait for the next event that matches; return it, or ``None`` after ``timeout``.

        :param event: the event's name, or its type, with whose model its data is validated.
        :param if_exp: a CEL expression on ``event``, which triggered the run, and ``async``, the
            event that is waited for.
        :param timeout: a duration of at least one second, in whole seconds; or a ``datetime``.
        """
        call = calls.wait_for_event(step_id, calls.event_name(event), if_exp, timeout, name)
        return calls.event_of(step_id, self._runner.take(call), event)

    @overload
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        data_type: type[DataT],
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[DataT] | None: ...

    @overload  # such as a union, inferred from the annotation of the variable assigned to
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        data_type: object,
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[DataT] | None: ...  # pyright: ignore[reportInvalidTypeVarUse]

    @overload
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[JSON] | None: ...

    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        data_type: object = UNSET,
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[Any] | None:
        """Wait for a signal; ``None`` after ``timeout``, or if another run replaces the wait.

        A signal is received by one run: the one that is waiting for it when it is sent.

        :param signal: the signal's name, such as ``f"order/{order_id}/approved"``.
        :param timeout: a duration of at least one second, in whole seconds; or a ``datetime``.
        :param data_type: the type of the signal's data; by default it remains JSON.
        :param on_conflict: if another run is already waiting for the signal, ``fail`` this step,
            or ``replace`` the other run's wait.
        """
        call = signals.wait_for_signal(step_id, signal, timeout, on_conflict, name)
        return signals.signal_of(self._runner.take(call), signal, data_type)

    def send_signal(
        self, step_id: str, *, signal: str, data: object = None, name: str | None = None
    ) -> str | None:
        """Send a signal once; return the id of the run that received it.

        Signals are not stored: ``None`` means that no run was waiting for it.
        """
        call = calls.run(step_id, self._runner.client.send_signal_sync, (signal, data), name=name)
        return cast("str | None", self._runner.take(call))

    def invoke(
        self,
        step_id: str,
        *,
        function: Invocable[T, CallDataT],
        data: CallDataT = None,  # type: ignore[assignment]
        timeout: Deadline | None = None,
        v: str | None = None,
        name: str | None = None,
    ) -> T:
        """Call another function and return its result.

        :param function: the function, or a reference to a function of another app.
        :param data: the data of the function's event.
        :param timeout: how long, or until when, to wait for the result; by default one year.
        :param v: the version of the format of ``data``.
        """
        call = calls.invoke(step_id, function, self._runner.app_id, data, timeout, v, name)
        return cast(T, self._runner.take(call))

    def invoke_by_id(
        self,
        step_id: str,
        *,
        app_id: str | None = None,
        function_id: str,
        data: Mapping[str, object] | None = None,
        timeout: Deadline | None = None,
        v: str | None = None,
        name: str | None = None,
    ) -> object:
        """Call a function that this code cannot import, and return its result as JSON types.

        The other arguments are those of :meth:`invoke`.

        :param app_id: the function's app; by default the calling function's.
        :param function_id: the function's id within its app.
        """
        other = FunctionReference[object, Any](app_id, function_id, UNSET, None)
        call = calls.invoke(step_id, other, self._runner.app_id, data, timeout, v, name)
        return self._runner.take(call)

    def defer(
        self,
        step_id: str,
        *,
        function: Invocable[Any, CallDataT],
        data: CallDataT = None,  # type: ignore[assignment]
        name: str | None = None,
    ) -> DeferredSync:
        """Call ``function`` after this run has ended; return at once.

        The server accepts 20 deferred calls for each run. A call that a failed attempt deferred
        is made only if a later attempt defers it, too.

        :param function: a function with the trigger :class:`inngest.TriggerDeferred`.
        :param data: the data of the function's event.
        """
        call = defer(step_id, function, self._runner.app_id, data, name)
        return DeferredSync(self._runner, self._runner.defer(call))

    def fetch(
        self,
        step_id: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        json: object = UNSET,
        content: str | None = None,
        name: str | None = None,
    ) -> FetchedResponse:
        """Have the server make an HTTP request, and return the response, whatever its status.

        The app does not wait meanwhile. The step fails if there is no response.

        :param headers: the request headers. The server sees them, including secrets.
        :param json: the body as JSON types.
        :param content: the body as JSON text.
        """
        call = fetch(step_id, url, method, headers, json, content, name)
        return response_of(self._runner.take(call), call)

    def update_metadata(
        self,
        step_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
        name: str | None = None,
    ) -> None:
        """Update the metadata of this run, which people can see; see ``client.update_metadata``."""
        update = self._runner.client.update_metadata_sync
        work = functools.partial(update, kind=kind, op=op)
        call = calls.run(step_id, work, (self._runner.run_id, values), name=name)
        self._runner.take(call)
