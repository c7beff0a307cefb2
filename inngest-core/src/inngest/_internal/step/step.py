"""The two faces of a step: the same methods, awaited or not. One line each."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from typing_extensions import TypeVarTuple, Unpack

from inngest._internal.event import Event
from inngest._internal.op import StepCall
from inngest._internal.step import calls
from inngest._internal.types import Duration

if TYPE_CHECKING:
    from inngest._internal.function.function import Function

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Events = Event | list[Event]


class StepRunner(Protocol):
    """Takes steps in an async function."""

    async def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    async def send(self, events: Events) -> list[str]:
        """Send events with the function's client."""
        ...


class StepRunnerSync(Protocol):
    """Takes steps in a sync function."""

    def take(self, step: StepCall) -> object:
        """Take one step; return its value or raise its error."""
        ...

    def send(self, events: Events) -> list[str]:
        """Send events with the function's client."""
        ...


class Step:
    """The steps of an async function. Every method is a durable checkpoint.

    Any method raises :class:`inngest.StepError` when the step has failed for good.
    """

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner

    async def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], Awaitable[T]],
        *handler_args: Unpack[Ts],
    ) -> T:
        """Run ``handler(*handler_args)`` once; afterwards return what it returned."""
        return cast(T, await self._runner.take(calls.run(step_id, handler, handler_args)))

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep for ``duration``: a ``timedelta``, or an ``int`` of milliseconds."""
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

    async def wait_for_event(
        self, step_id: str, *, event: str, if_exp: str | None = None, timeout: Duration
    ) -> Event | None:
        """Wait for the next ``event`` that satisfies ``if_exp``; ``None`` after ``timeout``."""
        raw = await self._runner.take(calls.wait_for_event(step_id, event, if_exp, timeout))
        return _event_or_none(raw)

    async def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, object] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> T:
        """Call ``function`` and return what it returns."""
        return cast(
            T, await self._runner.take(calls.invoke(step_id, function.id, data, timeout, v))
        )


class StepSync:
    """The steps of a sync function. Every method is a durable checkpoint.

    Any method raises :class:`inngest.StepError` when the step has failed for good.
    """

    def __init__(self, runner: StepRunnerSync) -> None:
        self._runner = runner

    def run(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], T],
        *handler_args: Unpack[Ts],
    ) -> T:
        """Run ``handler(*handler_args)`` once; afterwards return what it returned."""
        return cast(T, self._runner.take(calls.run(step_id, handler, handler_args)))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep for ``duration``: a ``timedelta``, or an ``int`` of milliseconds."""
        self._runner.take(calls.sleep(step_id, duration))

    def sleep_until(self, step_id: str, until: datetime.datetime) -> None:
        """Sleep until an instant; a naive ``datetime`` is local time."""
        self._runner.take(calls.sleep_until(step_id, until))

    def send_event(self, step_id: str, events: Events) -> list[str]:
        """Send events once, and return their ids."""
        return cast(
            "list[str]", self._runner.take(calls.run(step_id, self._runner.send, (events,)))
        )

    def wait_for_event(
        self, step_id: str, *, event: str, if_exp: str | None = None, timeout: Duration
    ) -> Event | None:
        """Wait for the next ``event`` that satisfies ``if_exp``; ``None`` after ``timeout``."""
        raw = self._runner.take(calls.wait_for_event(step_id, event, if_exp, timeout))
        return _event_or_none(raw)

    def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, object] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> T:
        """Call ``function`` and return what it returns."""
        return cast(T, self._runner.take(calls.invoke(step_id, function.id, data, timeout, v)))


def _event_or_none(raw: object) -> Event | None:
    if raw is None:
        return None
    decoded = Event.decode(cast("Mapping[str, object]", raw))
    if isinstance(decoded, Event):
        return decoded
    raise decoded
