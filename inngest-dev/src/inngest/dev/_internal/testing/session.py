"""An engine on a virtual clock, wired to apps in this process. It belongs to one event loop.

`VirtualEngine` and `AsyncVirtualEngine` are built on it. Everything goes through the production
handler, serializer and API; only sockets are left out.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pydantic

from inngest import Event, Function, Inngest
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.clock import VirtualClock
from inngest.dev._internal.drivers.contracts import Driver
from inngest.dev._internal.drivers.in_process import InProcessDriver
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.testing.apps import Apps
from inngest.dev._internal.testing.context import Calling, current
from inngest.dev._internal.testing.kit_middleware import kit_middleware
from inngest.dev._internal.testing.logs import RecordedLog, RecordingLogger
from inngest.dev._internal.testing.loopback import ask
from inngest.dev._internal.testing.pump import Pump, seconds_of
from inngest.dev._internal.testing.stubbed_gateway import Fetch, StubbedGateway
from inngest.dev._internal.testing.stubs import Stubs
from inngest.outgoing import Request, Response, redirected

T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)
_SHORT = 0.01
"""Seconds between checks, on another thread, whether the loop is running."""


class RefusedError(Exception):
    """The engine refused functions, an event or data."""


class Session:
    def __init__(
        self,
        *,
        start: datetime | None = None,
        fetch: Fetch | None = None,
        pump: Pump | None = None,
        driver: Callable[[Apps], Driver] = InProcessDriver,
        timeout: float = 30.0,
    ) -> None:
        """`timeout` bounds every wait, in real seconds.

        :param pump: runs the loop, and sync functions in between.
        """
        if start is not None and not isinstance(start, datetime):
            raise ValueError(f"start: a datetime is needed, not {start!r}")
        moment = None if start is None else round(start.timestamp() * 1000)
        self.clock: VirtualClock = VirtualClock(moment)
        self.stubs: Stubs = Stubs()
        self.timeout: float = seconds_of(timeout)
        self.logs: list[RecordedLog] = []
        self.senders: dict[str, Calling] = {}
        """The call that sent each event, by the event's internal id."""
        self.apps: Apps = Apps(None if pump is None else pump.elsewhere)
        self.engine: Engine = Engine(
            clock=self.clock, driver=driver(self.apps), gateway=StubbedGateway(fetch)
        )
        self._api = build_app(self.engine)
        self._exits = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._turn = threading.RLock() if pump is None else pump.turn
        """Held by the thread that is using the engine."""

    @property
    def is_open(self) -> bool:
        return self._loop is not None

    def require_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it is open on, or raise if it is not open."""
        if self._loop is None:
            raise RuntimeError("this engine is not open: it is within its block of `with`")
        return self._loop

    async def open(self) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        await self.engine.start()

    async def close(self) -> None:
        """Restore the clients."""
        self._exits.close()
        self.apps.close()
        if self.is_open:
            await self.engine.stop()
        self._loop = None

    async def serve(self, client: Inngest, functions: Sequence[Function[Any]]) -> None:
        """Add an app. A client without functions only sends its events to this engine."""
        self.require_loop()
        if not isinstance(client, Inngest):
            raise RefusedError(f"an inngest.Inngest is needed, not a {type(client).__name__}")
        self._exits.enter_context(redirected(client, self.answer))
        self._exits.callback(_restore, client, client.logger, client.middleware)
        client.set_logger(RecordingLogger(client.logger, self.logs, self.clock.now))
        client.add_middleware(kit_middleware(self.stubs, self.clock))
        if not functions:
            return
        url = self.apps.add(client, functions)
        status, text = await self.engine.sync(url)
        if status != 200:
            raise RefusedError(f'the functions of "{client.app_id}" are refused: {text}')

    # in

    async def send(self, event: Event[Any], function_id: str | None) -> str:
        """Send an event, execute everything that is due, and return the event's id."""
        if function_id is not None:
            self.find(function_id)
        if not isinstance(event, Event):
            raise RefusedError(f"an inngest.Event is needed, not a {type(event).__name__}")
        raw = json.dumps(event.to_wire(self.clock.now())).encode()
        taken = self.engine.send(raw)
        if taken.error is not None:
            raise RefusedError(f'event "{event.name}" is refused: {taken.error}')
        await self.engine.settle()
        return taken.events[0].internal_id

    async def invoke(self, function_id: str, data: Mapping[str, Any] | None) -> str:
        self.find(function_id)
        event_id = self.engine.invoke(function_id, {"data": _as_sent(data)})
        await self.engine.settle()
        return event_id

    async def signal(self, name: str, data: object) -> bool:
        """Send a signal. Returns whether a run was waiting for it."""
        run_id = self.engine.signal(name, _as_sent({name: data})[name])
        await self.engine.settle()
        return run_id is not None

    async def cancel(self, run_id: str) -> None:
        self.engine.cancel(run_id)
        await self.engine.settle()

    async def advance(self, delta: timedelta) -> None:
        await self.engine.advance(delta)

    async def advance_until(self, done: Callable[[], bool], within: timedelta) -> None:
        """Move the clock from one due time to the next, until `done()`, or `within` has passed."""
        target = self.clock.now() + within // MILLISECOND
        await self.engine.settle()
        while not done():
            due = self.engine.scheduler.next_due()
            if due is None or due > target:
                return
            await self.engine.advance((due - self.clock.now()) * MILLISECOND)

    # out

    def find(self, function_id: str) -> None:
        """Raise if there is no such function."""
        known = [function.id for function in self.read(self.engine.store.functions)]
        if function_id not in known:
            names = ", ".join(known) or "none"
            raise RefusedError(f'there is no function "{function_id}"; there is {names}')

    def read(self, work: Callable[[], T]) -> T:
        """Run a short callable while no other thread uses the engine, and return its result.

        On the session's own thread it runs here; from another, on the loop if that is running.
        """
        loop = self.require_loop()
        if threading.get_ident() == self._thread:
            with self._turn:
                return work()
        asked: Future[T] | None = None
        end = time.monotonic() + self.timeout
        while asked is None or not asked.done():
            if time.monotonic() > end:
                raise TimeoutError(f"the engine had no time within {self.timeout} s")
            if loop.is_running():
                if asked is None:
                    asked = Future()
                    loop.call_soon_threadsafe(_fulfil, asked, work)
                wait([asked], _SHORT)
            elif self._turn.acquire(timeout=_SHORT):
                # The loop may have started by now: then check again. Or it stopped before it ran
                # the work: then cancel that, and run it here.
                try:
                    if not loop.is_running() and (asked is None or asked.cancel()):
                        return work()
                finally:
                    self._turn.release()
        return asked.result()

    def answer(self, request: Request) -> Response:
        """Answer a client's request. Call it on any thread."""
        return self.read(partial(self._answer, request))

    def _answer(self, request: Request) -> Response:
        answer = ask(self._api, request)
        calling = current()
        if calling is not None and "/e/" in request.url and answer.status == 200:
            then = replace(calling, executed=[*calling.executed])
            self.senders |= dict.fromkeys(json.loads(answer.body)["ids"], then)
        return answer

    def logs_by_run(self) -> dict[str, list[RecordedLog]]:
        found: dict[str, list[RecordedLog]] = defaultdict(list)
        for log in self.logs:
            found[log.run_id or ""].append(log)
        return found


def _as_sent(data: Mapping[str, Any] | None) -> dict[str, Any]:
    """Data as it arrives when a client sends it in an event: as JSON.

    :raises RefusedError: it cannot be sent.
    """
    try:
        wire = Event(name="data", data=data).to_wire(0)["data"]
    except pydantic.ValidationError as error:
        messages = ", ".join(problem["msg"] for problem in error.errors())
        raise RefusedError(f"data: {messages.removeprefix('Value error, ')}") from None
    except ValueError as error:
        raise RefusedError(str(error)) from None
    sent: dict[str, Any] = json.loads(json.dumps(wire))
    return sent


def _restore(client: Inngest, logger: Any, middleware: list[Any]) -> None:
    client.set_logger(logger)
    client.middleware = middleware


def _fulfil(done: Future[T], work: Callable[[], T]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
