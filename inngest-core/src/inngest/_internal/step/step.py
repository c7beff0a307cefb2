"""The steps of an async function. The same methods as those of a sync one: one line each."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast, overload

from typing_extensions import TypeVar, TypeVarTuple, Unpack

from inngest._internal.event import Event
from inngest._internal.event_type import EventType, ModelT
from inngest._internal.function.reference import CallData, FunctionReference, Invocable
from inngest._internal.serialization.contract import Serializer
from inngest._internal.signal import Signal
from inngest._internal.step import calls, signals
from inngest._internal.step.ai import AI
from inngest._internal.step.deferral import Deferred, defer
from inngest._internal.step.fetch import FetchedResponse, fetch, fetched
from inngest._internal.step.runner import Events, MetadataOp, StepRunner
from inngest._internal.types import JSON, UNSET, Deadline, Duration

T = TypeVar("T")
CallDataT = TypeVar("CallDataT", default=CallData)
DataT = TypeVar("DataT")
Ts = TypeVarTuple("Ts")


class Step:
    """The steps of an async function. Every method is a durable checkpoint.

    ``step_id`` tells steps apart and must stay the same while runs live; ``name`` is what
    people see instead. Any method raises :class:`inngest.StepError` when the step has failed
    for good, and another :class:`inngest.errors.Error` when its arguments cannot be used.
    """

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner

    @property
    def ai(self) -> AI:
        """Steps that call a model."""
        return AI(self._runner)

    async def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], Awaitable[T]],
        *handler_args: Unpack[Ts],
        name: str | None = None,
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)`` once; afterwards return what it returned.

        The output is stored as JSON and read again by the handler's return annotation, or
        by ``output_type`` if that is given; by ``serializer``, an object or the name of one
        that a plugin brings, instead of the function's client's.
        """
        if serializer is not None:
            serializer = self._runner.find_serializer(serializer)
        call = calls.run(step_id, handler, handler_args, output_type, serializer, name)
        return cast(T, await self._runner.take(call))

    async def sleep(self, step_id: str, duration: Duration, *, name: str | None = None) -> None:
        """Sleep for a ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""
        await self._runner.take(calls.sleep(step_id, duration, name))

    async def sleep_until(
        self, step_id: str, until: datetime.datetime, *, name: str | None = None
    ) -> None:
        """Sleep until an instant; a naive ``datetime`` is local time."""
        await self._runner.take(calls.sleep_until(step_id, until, name))

    async def send_event(
        self, step_id: str, events: Events, *, name: str | None = None
    ) -> list[str]:
        """Send events once, one or a list of them, and return their ids."""
        call = calls.run(step_id, self._runner.send, (events,), name=name)
        return cast("list[str]", await self._runner.take(call))

    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event | None: ...

    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: EventType[ModelT],
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event[ModelT] | None: ...

    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | EventType[Any],
        if_exp: str | None = None,
        timeout: Deadline,
        name: str | None = None,
    ) -> Event[Any] | None:
        """Wait for the next ``event`` that satisfies ``if_exp``; ``None`` after ``timeout``.

        :param event: a name, or an event type, whose model the event's data then is.
        :param if_exp: CEL expression on ``event`` (that started the run) and ``async``.
        :param timeout: at least a second, in whole seconds; or a ``datetime``.
        """
        call = calls.wait_for_event(step_id, calls.event_name(event), if_exp, timeout, name)
        return calls.event_of(step_id, await self._runner.take(call), event)

    @overload
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        data_type: type[DataT],
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[DataT] | None: ...

    @overload  # a union, say: the annotation of what it is assigned to tells checkers which
    async def wait_for_signal(
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
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[JSON] | None: ...

    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Deadline,
        data_type: object = UNSET,
        on_conflict: signals.OnConflict = "fail",
        name: str | None = None,
    ) -> Signal[Any] | None:
        """Wait for a signal; ``None`` after ``timeout``, or when another run takes the wait over.

        A signal is for one run: the one that waits for it when it is sent.

        :param signal: the signal's name, such as ``f"order/{order_id}/approved"``.
        :param timeout: at least a second, in whole seconds; or a ``datetime``.
        :param data_type: what is sent with it; without one, JSON as it is.
        :param on_conflict: if another run waits already, this run is to ``fail``, or to
            ``replace`` the other one's wait.
        """
        call = signals.wait_for_signal(step_id, signal, timeout, on_conflict, name)
        return signals.signal_of(await self._runner.take(call), signal, data_type)

    async def send_signal(
        self, step_id: str, *, signal: str, data: object = None, name: str | None = None
    ) -> str | None:
        """Send a signal once, and return the id of the run that got it.

        Signals are not kept: ``None`` means that no run was waiting for it.
        """
        call = calls.run(step_id, self._runner.client.send_signal, (signal, data), name=name)
        return cast("str | None", await self._runner.take(call))

    async def invoke(
        self,
        step_id: str,
        *,
        function: Invocable[T, CallDataT],
        data: CallDataT = None,  # type: ignore[assignment]
        timeout: Deadline | None = None,
        v: str | None = None,
        name: str | None = None,
    ) -> T:
        """Call ``function`` and return what it returns.

        :param function: a function, or a reference to one of another app.
        :param data: the data of the event that it is given.
        :param timeout: how long to wait for it, or until when; by default a year.
        :param v: version of the form of ``data``.
        """
        call = calls.invoke(step_id, function, self._runner.app_id, data, timeout, v, name)
        return cast(T, await self._runner.take(call))

    async def invoke_by_id(
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
        """Call a function that this code cannot import, and return what it returns.

        The other arguments are those of :meth:`invoke`.

        :param app_id: the app of the function; by default this function's own.
        :param function_id: the function's id within its app.
        """
        other = FunctionReference[object, Any](app_id, function_id, UNSET, None)
        call = calls.invoke(step_id, other, self._runner.app_id, data, timeout, v, name)
        return await self._runner.take(call)

    async def defer(
        self,
        step_id: str,
        *,
        function: Invocable[Any, CallDataT],
        data: CallDataT = None,  # type: ignore[assignment]
        name: str | None = None,
    ) -> Deferred:
        """Have ``function`` called when this run has ended. Code goes on at once.

        The server takes 20 such calls of a run. What an attempt defers that fails is deferred
        by the next one; if there is none, it is not called.

        :param function: a function with the trigger :class:`inngest.TriggerDeferred`.
        :param data: the data of the event that it is given.
        """
        call = defer(step_id, function, self._runner.app_id, data, name)
        return Deferred(self._runner, self._runner.defer(call))

    async def fetch(
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
        """Have the server make an HTTP request, and return the answer, whatever its status.

        No process of yours waits meanwhile. The step fails when no answer comes.

        :param headers: of the request. They travel through the server, secrets too.
        :param json: the body, as JSON values.
        :param content: the body, as JSON text.
        """
        call = fetch(step_id, url, method, headers, json, content, name)
        return fetched(await self._runner.take(call), call)

    async def update_metadata(
        self,
        step_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
        name: str | None = None,
    ) -> None:
        """Note something of this run, for people to see, as ``client.update_metadata`` does."""
        note = self._runner.client.update_metadata
        work = functools.partial(note, kind=kind, op=op)
        call = calls.run(step_id, work, (self._runner.run_id, values), name=name)
        await self._runner.take(call)
