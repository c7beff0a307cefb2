"""The test kit's engine, with two interfaces: for sync tests, and for tests with an event loop.

Their time stands still until advanced. Use each engine from one thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from inngest import Event, Function, Inngest
from inngest.dev._internal.testing import reporting
from inngest.dev._internal.testing.pump import PATIENCE, Pump
from inngest.dev._internal.testing.records import (
    RecordedEvent,
    RecordedRun,
    has_ended,
    recorded_events,
    recorded_runs,
    refuse_unended,
)
from inngest.dev._internal.testing.session import Session
from inngest.dev._internal.testing.story import story, whats_on
from inngest.dev._internal.testing.stubbed_gateway import Fetch
from inngest.dev._internal.testing.stubs import Stub

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
YEAR = timedelta(days=366)
"""The longest that a step may last."""


class _Face:
    """The methods that neither block nor advance the engine."""

    _session: Session

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return datetime.fromtimestamp(self._session.clock.now() / 1000, timezone.utc)

    def stub(
        self, step: str, *outcomes: object, function: Function[Any] | str | None = None
    ) -> Stub:
        """Replace a step that the app runs with these outcomes in turn; the last one repeats.

        An exception is raised, a callable is called with the step's arguments, anything else
        is the step's result. The newest stub of a step wins. The returned stub records the
        arguments of each execution in `calls`.

        :param function: stub the step in this function only.
        """
        return self._session.stubs.add(step, outcomes, _id_of(function))

    def events(self, name: str | None = None) -> list[RecordedEvent]:
        """Return the events received so far, oldest first.

        Internal events (`inngest/…`) are included only when asked for by name.
        """
        return recorded_events(self._session, name)

    def runs(self, function: Function[Any] | str | None = None) -> list[RecordedRun]:
        """Return the runs started so far, oldest first.

        :raises RefusedError: the engine has no such function.
        """
        return recorded_runs(self._session, _id_of(function))

    def timeline(self, *, latest: int | None = None) -> str:
        """Return a readable report of the runs and of unused stubs.

        :param latest: only this many of the latest runs.
        """
        return story(self._session, self.runs(), latest)

    def _run_of(
        self, event_id: str, function: Function[Any] | str | None, run_id: str | None = None
    ) -> RecordedRun:
        return RecordedRun(
            self._session, event_id=event_id, function_id=_id_of(function), run_id=run_id
        )


class VirtualEngine(_Face):
    """An engine in this process for sync tests, on virtual time and without sockets.

    ::

        with VirtualEngine(client, [remind]) as engine:
            run = engine.send(inngest.Event(name="user/created"))
            engine.advance(timedelta(days=30))
            assert run.output == "reminded"

    Sync functions run on the test's thread with no loop, async ones on the engine's loop. While
    the engine is open, the client is in dev mode and sends to it; closing restores the client.

    :param start: the initial virtual time; the real time by default.
    :param fetch: answers the requests of fetch and AI steps; without it they fail.
    :param timeout: real seconds that each operation of the app may take.
    :raises RefusedError: the functions cannot be registered.
    """

    def __init__(
        self,
        client: Inngest | None = None,
        functions: Sequence[Function[Any]] = (),
        *,
        start: datetime | None = None,
        fetch: Fetch | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._pump: Pump | None = Pump(timeout)
        try:
            self._session = Session(start=start, fetch=fetch, timeout=timeout, pump=self._pump)
        except BaseException:
            self._pump.close()
            raise
        try:
            self._do(self._session.open(), at_least=PATIENCE)
            if client is not None:
                self.serve(client, functions)
        except BaseException:
            self.close()
            raise
        reporting.opened(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the engine and restore the clients. Idempotent."""
        pump = self._pump
        if pump is None:
            return
        reporting.closing(self)
        try:
            self._do(self._session.close(), at_least=PATIENCE)
        finally:
            self._pump = None
            pump.close()

    def serve(self, client: Inngest, functions: Sequence[Function[Any]]) -> None:
        """Add an app. A client without functions only sends its events here."""
        self._do(self._session.serve(client, functions), at_least=PATIENCE)

    def send(
        self, event: Event[Any], *, function: Function[Any] | str | None = None
    ) -> RecordedRun:
        """Send an event, execute everything that is due, and return the run it starts.

        :param function: whose run to return, if the event starts several functions.
        :raises RefusedError: the event is not valid, or the engine has no such function.
        """
        return self._run_of(self._do(self._session.send(event, _id_of(function))), function)

    def invoke(
        self, function: Function[Any] | str, data: Mapping[str, Any] | None = None
    ) -> RecordedRun:
        """Start a function, ignoring its triggers.

        :raises RefusedError: the engine has no such function, or the data is not JSON.
        """
        event_id = self._do(self._session.invoke(_name(function), data))
        return self._run_of(event_id, function)

    def signal(self, name: str, data: object = None) -> bool:
        """Send a signal. Returns whether a run was waiting for it.

        :raises RefusedError: the data is not JSON.
        """
        return self._do(self._session.signal(name, data))

    def cancel(self, run: RecordedRun) -> None:
        """Cancel a run."""
        self._do(self._session.cancel(run.id))

    def settle(self) -> None:
        """Execute everything that is due now."""
        self._do(self._session.engine.settle())

    def advance(self, delta: timedelta) -> None:
        """Advance virtual time, executing everything that falls due on the way."""
        self._do(self._session.advance(delta))

    def finish(self, *runs: RecordedRun, within: timedelta = YEAR) -> None:
        """Advance virtual time until these runs have ended.

        :param within: the most virtual time to advance.
        :raises RunStateError: one has not ended by then, or will never start.
        """
        self._do(self._session.advance_until(lambda: all(map(has_ended, runs)), within))
        refuse_unended(runs, within)

    def _do(self, work: Coroutine[Any, Any, T], *, at_least: float = 0.0) -> T:
        if self._pump is None:
            work.close()
            raise RuntimeError("this engine is closed")
        try:
            return self._pump.run(work, at_least=at_least)
        except TimeoutError as error:
            raise TimeoutError(f"{error}{whats_on(self._session)}") from None


class AsyncVirtualEngine(_Face):
    """Like `VirtualEngine`, for tests with an event loop, which async functions run on.

    ::

        async with AsyncVirtualEngine(client, [remind]) as engine:
            run = await engine.send(inngest.Event(name="user/created"))
            await engine.advance(timedelta(days=30))
            assert run.output == "reminded"

    Sync functions run on threads, as under an async framework.

    :raises TimeoutError: an operation took longer than `timeout`.
    """

    def __init__(
        self,
        client: Inngest | None = None,
        functions: Sequence[Function[Any]] = (),
        *,
        start: datetime | None = None,
        fetch: Fetch | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._app = None if client is None else (client, functions)
        self._session = Session(start=start, fetch=fetch, timeout=timeout)

    async def __aenter__(self) -> Self:
        try:
            await self._session.open()
            if self._app is not None:
                await self._session.serve(*self._app)
        except BaseException:
            await self._session.close()
            raise
        reporting.opened(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        reporting.closing(self)
        await self._session.close()

    async def serve(self, client: Inngest, functions: Sequence[Function[Any]]) -> None:
        """Add an app. A client without functions only sends its events here."""
        await self._session.serve(client, functions)

    async def send(
        self, event: Event[Any], *, function: Function[Any] | str | None = None
    ) -> RecordedRun:
        """Send an event, execute everything that is due, and return the run it starts.

        :param function: whose run to return, if the event starts several functions.
        :raises RefusedError: the event is not valid, or the engine has no such function.
        """
        return self._run_of(await self._do(self._session.send(event, _id_of(function))), function)

    async def invoke(
        self, function: Function[Any] | str, data: Mapping[str, Any] | None = None
    ) -> RecordedRun:
        """Start a function, ignoring its triggers.

        :raises RefusedError: the engine has no such function, or the data is not JSON.
        """
        event_id = await self._do(self._session.invoke(_name(function), data))
        return self._run_of(event_id, function)

    async def signal(self, name: str, data: object = None) -> bool:
        """Send a signal. Returns whether a run was waiting for it.

        :raises RefusedError: the data is not JSON.
        """
        return await self._do(self._session.signal(name, data))

    async def cancel(self, run: RecordedRun) -> None:
        """Cancel a run."""
        await self._do(self._session.cancel(run.id))

    async def settle(self) -> None:
        """Execute everything that is due now."""
        await self._do(self._session.engine.settle())

    async def advance(self, delta: timedelta) -> None:
        """Advance virtual time, executing everything that falls due on the way."""
        await self._do(self._session.advance(delta))

    async def finish(self, *runs: RecordedRun, within: timedelta = YEAR) -> None:
        """Advance virtual time until these runs have ended.

        :param within: the most virtual time to advance.
        :raises RunStateError: one has not ended by then, or will never start.
        """
        await self._do(self._session.advance_until(lambda: all(map(has_ended, runs)), within))
        refuse_unended(runs, within)

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            self._session.require_loop()
        except RuntimeError:
            work.close()
            raise
        try:
            return await asyncio.wait_for(work, self._session.timeout)
        except asyncio.TimeoutError:
            message = f"nothing came to an end within {self._session.timeout} s"
            raise TimeoutError(f"{message}{whats_on(self._session)}") from None


def _name(function: Function[Any] | str) -> str:
    return function.id if isinstance(function, Function) else function


def _id_of(function: Function[Any] | str | None) -> str | None:
    return None if function is None else _name(function)
