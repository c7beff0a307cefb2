"""Connect under test: an engine and a worker with short timeouts, which record what they do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from typing_extensions import Self

import inngest
import inngest.connect
import inngest.errors
from inngest.connect._internal.connection import Connection
from inngest.connect._internal.making import make
from inngest.connect._internal.timing import Timing
from inngest.connect.protocol import wire
from inngest.dev import DevServer, Engine
from inngest.dev._internal.connect.hub import Hub, Pending
from inngest.dev._internal.connect.session import Session
from inngest.dev._internal.connect.terms import Terms

from .ports import free_port

PATIENCE = 60.0
"""Seconds that anything may take; nothing here passes because it did not take long."""

SHORT = Timing(
    reconnect=(0.02, 0.05, 0.1, 0.2),
    request=2.0,
    handshake=2.0,
    ack=0.4,
    flush=(0.05, 0.1, 0.2),
    closing=0.3,
    shutdown=PATIENCE,
)
STEADY = replace(SHORT, request=PATIENCE, handshake=PATIENCE)
"""Where nothing gets lost: what takes long is no fault."""
TERMS = Terms(heartbeat=0.3, extend_lease=0.3, lease=2.0, hello=2.0, drain=1.0, patience=3.0)
UNHURRIED = Terms(
    heartbeat=PATIENCE, extend_lease=5.0, lease=PATIENCE, hello=PATIENCE, patience=PATIENCE
)
OFTEN = replace(
    UNHURRIED, heartbeat=0.3, extend_lease=0.3, missed_heartbeats=200, stale_heartbeats=200.0
)
"""A worker says often that it is there, and is not given up before the patience is over."""


class NotingHub(Hub):
    """A hub that records the replies received on any path, and the calls without a reply."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.replies: set[str] = set()
        self.extensions = 0
        self.lost: list[str] = []
        self.last_reply = wire.SDKResponse()

    def extended(self, session: Session, request: wire.WorkerRequestExtendLeaseData) -> str | None:
        self.extensions += 1
        return super().extended(session, request)

    def answered(self, reply: wire.SDKResponse) -> None:
        self.replies.add(reply.request_id)
        self.last_reply = reply
        super().answered(reply)

    def _lose(self, pending: Pending, why: str) -> None:
        if not pending.answer.done():
            self.lost.append(pending.request.request_id)
        super()._lose(pending, why)

    async def close(self) -> None:
        self.lost += self._pending
        await super().close()


class ConnectEngine(Engine):
    """An engine whose gateway has the timeouts that a test needs."""

    def __init__(self, terms: Terms, **options: Any) -> None:
        super().__init__(**options)
        self._hub = NotingHub(self.register, self.clock.now, self._settle, terms)


class Platform:
    """An engine on a port. ``restart`` replaces it by another one with the same database."""

    def __init__(
        self,
        terms: Terms = UNHURRIED,
        db: Path | None = None,
        host: str = "127.0.0.1",
        **options: Any,
    ) -> None:
        self._terms, self._host, self._options = terms, host, options
        self._db = str(db) if db is not None else ":memory:"
        self.hubs: list[NotingHub] = []
        self.server = self._make(free_port())

    @property
    def origin(self) -> str:
        return self.server.origin

    @property
    def hub(self) -> NotingHub:
        return self.hubs[-1]

    @property
    def replies(self) -> set[str]:
        return {one for hub in self.hubs for one in hub.replies}

    @property
    def lost(self) -> set[str]:
        return {one for hub in self.hubs for one in hub.lost}

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.stop()

    def restart(self) -> None:
        port = int(self.origin.rpartition(":")[2])
        old = self.server._thread
        self.server.stop()
        assert old is not None and not old.is_alive(), "the engine does not stop"
        self.server = self._make(port)
        self.server.start()

    def do(self, act: Callable[[NotingHub], Any]) -> Any:
        """Run work on the engine's event loop."""

        async def work() -> Any:
            found = act(self.hub)
            return await found if asyncio.iscoroutine(found) else found

        return self.server._do(work(), PATIENCE)

    def client(self, app_id: str = "app", **options: Any) -> inngest.Inngest:
        options = {"api_base_url": self.origin, "is_production": False, **options}
        return inngest.Inngest(app_id=app_id, event_api_base_url=self.origin, **options)

    async def ended(self, event_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end of the run that an event triggered, and return the run."""
        return await asyncio.to_thread(self.server.wait_for_run, event_id, seconds)

    def _make(self, port: int) -> DevServer:
        engine = ConnectEngine(self._terms, db=self._db, **self._options)
        assert isinstance(engine._hub, NotingHub)
        self.hubs.append(engine._hub)
        return DevServer(self._host, port, engine)


def made(client: inngest.Inngest, *functions: inngest.Function[Any], **options: Any) -> Connection:
    """Make a worker for one app that handles no signals."""
    options = {"timing": STEADY, "shutdown_signals": [], **options}
    return make([(client, list(functions))], **options)


@asynccontextmanager
async def working(worker: Connection, *, until: str = "ACTIVE") -> AsyncIterator[Connection]:
    """Run a worker for the duration of the block, and check that it ends."""
    task = asyncio.create_task(worker.start())
    state = inngest.connect.ConnectionState[until]
    waiting = asyncio.create_task(worker.wait_for_state(state))
    try:
        await asyncio.wait({task, waiting}, timeout=PATIENCE, return_when="FIRST_COMPLETED")
        if task.done():
            await task
        await asyncio.wait_for(waiting, PATIENCE)
        yield worker
    finally:
        waiting.cancel()
        with suppress(asyncio.CancelledError, inngest.errors.Error):
            await waiting
        await asyncio.wait_for(worker.close(wait=True), PATIENCE)
        await asyncio.wait_for(task, PATIENCE)


async def eventually(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Poll until a condition holds that no event signals."""
    until = asyncio.get_running_loop().time() + seconds
    while not is_so():
        assert asyncio.get_running_loop().time() < until, f"not in time: {what}"
        await asyncio.sleep(0.005)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that no thread and no socket is left. For blocks that own all that they use."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    left = [one for one in threading.enumerate() if one not in threads]
    for one in left:
        one.join(PATIENCE)
    assert [one.name for one in left if one.is_alive()] == []
    until = time.monotonic() + PATIENCE
    while open_sockets() > sockets and time.monotonic() < until:
        time.sleep(0.005)  # the other ends are in this process, too
    assert open_sockets() <= sockets


def open_sockets() -> int:
    """Return the number of open sockets of this process; 0 if the system does not provide it."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    found = 0
    for name in folder.iterdir():
        with suppress(OSError):
            found += str(name.readlink()).startswith("socket:")
    return found
