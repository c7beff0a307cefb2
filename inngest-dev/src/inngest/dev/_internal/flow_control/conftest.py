"""Scripts for the app of the tests, what they look at, and an engine to run them with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import Answer, App, bounded, hashed, op, running

SECOND = timedelta(seconds=1)
Work = Callable[[Engine], Awaitable[None]]


def data_of(app: App) -> list[list[Any]]:
    """What the runs were started with: `i` of each event of each first call."""
    first = [c for c in app.calls if not c["ctx"]["stack"]["stack"] and c["ctx"]["attempt"] == 0]
    return [[e["data"].get("i") for e in c["events"]] for c in first]


def statuses(engine: Engine) -> list[str]:
    """Of all runs, the oldest first."""
    return [run["status"] for run in reversed(engine.runs())]


def nap(length: str) -> Callable[[dict[str, Any], str], Answer]:
    """A function that sleeps once."""

    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("nap") in body["steps"]:
            return 200, "rested"
        return 206, [op(length, "Sleep") | {"id": hashed("nap")}]

    return script


def done(body: dict[str, Any], target: str) -> Answer:
    """A function without steps."""
    return 200, body["event"]["data"].get("i")


def work(app: App, go: Work, **options: Any) -> None:
    """Run a test's coroutine with an engine, for a bounded time. The options are the engine's."""

    async def limited() -> None:
        async with running(app, **options) as engine:
            await go(engine)

    bounded(limited)


class Slow:
    """Calls that last until they are told to end."""

    def __init__(self) -> None:
        self.under_way: list[Any] = []
        self.most = 0
        self.gates: dict[Any, asyncio.Event] = {}
        self.answer: Answer = (200, None)
        self.changed = asyncio.Event()

    async def __call__(self, body: dict[str, Any], target: str) -> Answer:
        name = body["event"]["data"]["i"]
        self.under_way.append(name)
        self.most = max(self.most, len(self.under_way))
        self.changed.set()
        await self.gates.setdefault(name, asyncio.Event()).wait()
        self.under_way.remove(name)
        self.changed.set()
        return self.answer

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self.changed.clear()
            await self.changed.wait()

    async def started(self, *names: Any) -> None:
        await self.until(lambda: set(self.under_way) == set(names))

    def finish(self, name: Any) -> None:
        self.gates[name].set()


def start_of(year: int, month: int, day: int) -> VirtualClock:
    moment = datetime(year, month, day, tzinfo=timezone.utc)
    return VirtualClock(round(moment.timestamp() * 1000))
