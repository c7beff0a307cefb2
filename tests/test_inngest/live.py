"""The environment of the cases: functions on a real server of any transport, and an engine.

A case's function has one body for sync and async: a generator that yields each step. The engine
is the embedded one, whose clock advances only when a case requests it, or the Inngest server that
``INNGEST_DEV_SERVER`` names.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

import httpx

import inngest
import inngest.connect
from inngest.dev import DevServer, Engine, VirtualClock

from .bodies import Body, handler_of
from .transports import CLIENTS, STOP_SECONDS, Transport, on_thread
from .transports import TRANSPORTS as CALLED

"""A generator of steps, or a plain function that has none."""
KINDS = ("sync", "async")
REAL_SECONDS = 300.0
"""How long a run may take on a real server, whose pauses between retries are long."""


def build_worker(client: inngest.Inngest, functions: list[inngest.Function[Any]]) -> Any:
    return inngest.connect.connect([(client, functions)])


@contextmanager
def on_worker(worker: Any) -> Iterator[str]:
    """Run a worker on an event loop for the duration of the block; yield a pseudo-origin."""

    async def work() -> None:
        await worker.start()
        while CLIENTS:
            await CLIENTS.pop().aclose()

    with on_thread(lambda: asyncio.run(work()), lambda: asyncio.run(worker.close())):
        active = worker.wait_for_state(inngest.connect.ConnectionState.ACTIVE)
        asyncio.run(asyncio.wait_for(active, STOP_SECONDS))
        yield "wss://connect"


CONNECT = Transport("connect", build_worker, on_worker, streams=False, is_called=False, path="")
TRANSPORTS = {**CALLED, "connect": CONNECT}


@dataclass(frozen=True)
class Run:
    """How a run ended."""

    status: str
    output: Any


class Server(Protocol):
    """A server that calls the app."""

    origin: str
    pause: timedelta
    """A time that a case can wait for."""

    def now(self) -> datetime:
        """The time that the app's runs see."""
        ...

    def sync(self, url: str) -> tuple[int, str]: ...
    def let_pass(self, delta: timedelta) -> None: ...
    def runs(self, event_id: str, *, at_least: int = 1) -> list[Run]:
        """Wait for all runs that an event triggered to end, and return them."""
        ...


class Embedded:
    """The embedded engine, with a clock that advances only on request."""

    pause = timedelta(hours=1)

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self.origin = server.origin

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.server.engine.clock.now() / 1000, timezone.utc)

    def sync(self, url: str) -> tuple[int, str]:
        return self.server.sync(url)

    def let_pass(self, delta: timedelta) -> None:
        self.server.advance(delta)

    def runs(self, event_id: str, *, at_least: int = 1) -> list[Run]:
        self.server.advance(self.pause * 6)
        found = [run for run in self.server.runs() if run["event_id"] == event_id]
        assert len(found) >= at_least, f"{len(found)} runs of {event_id}"
        assert all(run["ended_at"] for run in found), found
        return [Run(run["status"], run["output"]) for run in found]


class Elsewhere:
    """A server that is already running, whose clock cannot be controlled."""

    pause = timedelta(seconds=3)

    def __init__(self, origin: str, *, deadline: float = REAL_SECONDS) -> None:
        self.origin = origin.rstrip("/")
        self._deadline = deadline

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def sync(self, url: str) -> tuple[int, str]:
        answer = httpx.put(url, json={"url": url}, timeout=60)
        return answer.status_code, answer.text

    def let_pass(self, delta: timedelta) -> None:
        time.sleep(delta.total_seconds())

    def runs(self, event_id: str, *, at_least: int = 1) -> list[Run]:
        until = time.monotonic() + self._deadline
        while True:
            answer = httpx.get(f"{self.origin}/v1/events/{event_id}/runs", timeout=60)
            found = answer.json()["data"]
            if len(found) >= at_least and all(run.get("ended_at") for run in found):
                return [Run(run["status"], run.get("output")) for run in found]
            assert time.monotonic() < until, found
            time.sleep(0.05)


@dataclass
class World:
    """A server, and an app on one transport with only sync or only async functions."""

    server: Server
    transport: Transport
    is_async: bool
    options: dict[str, Any] = field(default_factory=dict)
    """Options of ``serve``."""
    functions: list[inngest.Function[Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The names of the executed steps, in order."""

    def __post_init__(self) -> None:
        self.app_id = f"case-{secrets.token_hex(4)}"
        self.client = inngest.Inngest(
            app_id=self.app_id,
            is_production=False,
            api_base_url=self.server.origin,
            event_api_base_url=self.server.origin,
        )

    @property
    def pause(self) -> timedelta:
        return self.server.pause

    def event(self, name: str) -> str:
        """Return the name of an event for this case only."""
        return f"{self.app_id}/{name}"

    def function(self, fn_id: str, body: Body, **options: Any) -> inngest.Function[Any]:
        """Declare a function, by default triggered by the event with its name."""
        options.setdefault("trigger", inngest.TriggerEvent(event=self.event(fn_id)))
        options.setdefault("retries", 3)
        if "on_failure" in options:
            options["on_failure"] = self.handler(options["on_failure"])
        made = self.client.create_function(fn_id=fn_id, **options)(self.handler(body))
        self.functions.append(made)
        return made

    def handler(self, body: Body) -> Callable[[Any], Any]:
        """Turn a body into a handler of this world's kind."""
        return handler_of(body, is_async=self.is_async)

    def branch(self, body: Body, ctx: Any) -> Callable[[], Any]:
        """Make a branch of a parallel group that has several steps."""
        return lambda: self.handler(body)(ctx)

    def step(self, name: str, work: Callable[[], Any] = lambda: None) -> Callable[[], Any]:
        """Make a step handler that records its name."""

        def run_sync() -> Any:
            self.calls.append(name)
            return work()

        async def run_async() -> Any:
            return run_sync()

        return run_async if self.is_async else run_sync

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve and register the app for the duration of the block."""
        app = self.transport.build(self.client, self.functions, **self.options)
        with self.transport.run(app) as origin:
            url = origin + self.transport.path
            if self.transport.is_called:
                status, text = self.server.sync(url)
                assert status == 200, text
            try:
                yield url
            finally:
                self.client.close()

    def send(self, name: str, *, event: inngest.Event | None = None, **data: Any) -> str:
        """Send an event, and advance the clock so that it is due."""
        event = event or inngest.Event(name=self.event(name), data=data)
        sent = self.client.send_sync(event)[0]
        # The time of an event is the real one, which is ahead of a clock that stands.
        self.server.let_pass(min(timedelta(minutes=1), self.pause / 3))
        return sent

    def run(self, name: str, **data: Any) -> Run:
        """Serve the app, send an event, and return the run that it triggers."""
        with self.serving():
            (run,) = self.server.runs(self.send(name, **data))
            return run


def fails(error: Exception) -> Any:
    """Raise ``error``, for use in expressions."""
    raise error


class BrokenError(Exception):
    """The error that steps and functions of the cases raise."""


@contextmanager
def a_server() -> Iterator[Server]:
    """The server that the environment names, or else an embedded one."""
    named = os.environ.get("INNGEST_DEV_SERVER")
    if named:
        yield Elsewhere(named)
        return
    with DevServer(port=0, engine=Engine(clock=VirtualClock())) as server:
        yield Embedded(server)


__all__ = [
    "KINDS",
    "TRANSPORTS",
    "Body",
    "BrokenError",
    "Elsewhere",
    "Embedded",
    "Run",
    "World",
    "a_server",
    "fails",
]
