"""The two faces of a step: the same methods, awaited or not. One line each."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from typing_extensions import TypeVarTuple, Unpack

from inngest._internal.event import Event
from inngest._internal.event_type import EventType, ModelT
from inngest._internal.serialization.contract import Serializer
from inngest._internal.step import calls
from inngest._internal.step.ai import AI, AISync
from inngest._internal.step.runner import Events, StepRunner, StepRunnerSync
from inngest._internal.types import UNSET, Deadline, Duration

if TYPE_CHECKING:
    from inngest._internal.function.function import Function

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
AnyEventType = str | EventType[Any]


class Step:
    """The steps of an async function. Every method is a durable checkpoint.

    Any method raises :class:`inngest.StepError` when the step has failed for good.
    """

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner
        self.ai = AI(runner)

    async def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], Awaitable[T]],
        *handler_args: Unpack[Ts],
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)`` once; afterwards return what it returned.

        The output is stored as JSON and read again by the handler's return annotation, or
        by ``output_type`` if that is given; by ``serializer``, an object or the name of one
        that a plugin brings, instead of the function's client's.
        """
        if isinstance(serializer, str):
            serializer = self._runner.find_serializer(serializer)
        call = calls.run(step_id, handler, handler_args, output_type, serializer)
        return cast(T, await self._runner.take(call))

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep for a ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""
        await self._runner.take(calls.sleep(step_id, duration))

    async def sleep_until(self, step_id: str, until: datetime.datetime) -> None:
        """Sleep until an instant; a naive ``datetime`` is local time."""
        await self._runner.take(calls.sleep_until(step_id, until))

    async def send_event(self, step_id: str, events: Events) -> list[str]:
        """Send events once, and return their ids."""
        return cast(
            "list[str]",
            await self._runner.take(calls.run(step_id, self._runner.send, (events,))),
        )

    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: EventType[ModelT],
        if_exp: str | None = None,
        timeout: Deadline,
    ) -> Event[ModelT] | None: ...

    @overload
    async def wait_for_event(
        self, step_id: str, *, event: str, if_exp: str | None = None, timeout: Deadline
    ) -> Event | None: ...

    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: AnyEventType,
        if_exp: str | None = None,
        timeout: Deadline,
    ) -> Event[Any] | None:
        """Wait for the next ``event`` that satisfies ``if_exp``; ``None`` after ``timeout``.

        :param event: a name, or an event type, whose model the event's data then is.
        :param if_exp: CEL expression on ``event`` (that started the run) and ``async``.
        :param timeout: at least a second, in whole seconds; or a ``datetime``.
        """
        call = calls.wait_for_event(step_id, calls.event_name(event), if_exp, timeout)
        return calls.event_of(await self._runner.take(call), event)

    async def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, object] | None = None,
        timeout: Deadline | None = None,
        v: str | None = None,
    ) -> T:
        """Call ``function`` and return what it returns.

        :param data: the data of the event that it is given.
        :param timeout: how long to wait for it, or until when; by default a year.
        :param v: version of the form of ``data``.
        """
        call = calls.invoke(step_id, function.id, data, timeout, v, function.codec)
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
    ) -> object:
        """Call a function that this code cannot import, and return what it returns.

        :param app_id: the app of the function; by default this function's own.
        :param function_id: the function's id within its app.
        """
        target = f"{app_id or self._runner.app_id}-{function_id}"
        return await self._runner.take(calls.invoke(step_id, target, data, timeout, v))


class StepSync:
    """The steps of a sync function. Every method is a durable checkpoint.

    Any method raises :class:`inngest.StepError` when the step has failed for good.
    """

    def __init__(self, runner: StepRunnerSync) -> None:
        self._runner = runner
        self.ai = AISync(runner)

    def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], T],
        *handler_args: Unpack[Ts],
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)`` once; afterwards return what it returned.

        The output is stored as JSON and read again by the handler's return annotation, or
        by ``output_type`` if that is given; by ``serializer``, an object or the name of one
        that a plugin brings, instead of the function's client's.
        """
        if isinstance(serializer, str):
            serializer = self._runner.find_serializer(serializer)
        call = calls.run(step_id, handler, handler_args, output_type, serializer)
        return cast(T, self._runner.take(call))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep for a ``timedelta``, an ``int`` of milliseconds, or text such as ``"1h30m"``."""
        self._runner.take(calls.sleep(step_id, duration))

    def sleep_until(self, step_id: str, until: datetime.datetime) -> None:
        """Sleep until an instant; a naive ``datetime`` is local time."""
        self._runner.take(calls.sleep_until(step_id, until))

    def send_event(self, step_id: str, events: Events) -> list[str]:
        """Send events once, and return their ids."""
        return cast(
            "list[str]", self._runner.take(calls.run(step_id, self._runner.send, (events,)))
        )

    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: EventType[ModelT],
        if_exp: str | None = None,
        timeout: Deadline,
    ) -> Event[ModelT] | None: ...

    @overload
    def wait_for_event(
        self, step_id: str, *, event: str, if_exp: str | None = None, timeout: Deadline
    ) -> Event | None: ...

    def wait_for_event(
        self,
        step_id: str,
        *,
        event: AnyEventType,
        if_exp: str | None = None,
        timeout: Deadline,
    ) -> Event[Any] | None:
        """Wait for the next ``event`` that satisfies ``if_exp``; ``None`` after ``timeout``.

        :param event: a name, or an event type, whose model the event's data then is.
        :param if_exp: CEL expression on ``event`` (that started the run) and ``async``.
        :param timeout: at least a second, in whole seconds; or a ``datetime``.
        """
        call = calls.wait_for_event(step_id, calls.event_name(event), if_exp, timeout)
        return calls.event_of(self._runner.take(call), event)

    def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, object] | None = None,
        timeout: Deadline | None = None,
        v: str | None = None,
    ) -> T:
        """Call ``function`` and return what it returns.

        :param data: the data of the event that it is given.
        :param timeout: how long to wait for it, or until when; by default a year.
        :param v: version of the form of ``data``.
        """
        call = calls.invoke(step_id, function.id, data, timeout, v, function.codec)
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
    ) -> object:
        """Call a function that this code cannot import, and return what it returns.

        :param app_id: the app of the function; by default this function's own.
        :param function_id: the function's id within its app.
        """
        target = f"{app_id or self._runner.app_id}-{function_id}"
        return self._runner.take(calls.invoke(step_id, target, data, timeout, v))
