"""Run an engine and its HTTP API in a background thread: for tests and the command line."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import uvicorn

from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.dashboard.routes import Dashboard
from inngest.dev._internal.model.values import Function, Json
from inngest.dev._internal.running.engine import Engine

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 60.0
_READ_TIMEOUT = 60.0
_PAUSE = 0.005
_PATIENCE = 1.0
"""Seconds for responses under way to finish when the server stops."""


class DevServer:
    """An embedded engine on a TCP port. All methods may be called from any thread."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8288,
        engine: Engine | None = None,
        *,
        ui: bool = False,
    ) -> None:
        """`ui` adds the dashboard."""
        self.engine: Engine = Engine() if engine is None else engine
        self._dashboard = Dashboard(self.engine, host) if ui else None
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Server | None = None
        self._ready = threading.Event()
        self._problem: BaseException | None = None

    @property
    def origin(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def dashboard_url(self) -> str:
        """The URL of the dashboard. A keyed engine's contains a token that grants access."""
        dashboard = self._dashboard
        if dashboard is None or not dashboard.guard.is_keyed:
            return f"{self.origin}/"
        return f"{self.origin}/#token={dashboard.guard.token}"

    def start(self) -> None:
        """Start the engine and listen; both are ready when this returns.

        :raises OSError: cannot listen on the address, e.g. as the port is taken.
        :raises UnusableDatabaseError: the database file cannot be used.
        :raises RuntimeError: the server is already started.
        """
        if self._thread is not None:
            raise RuntimeError("the server is already started")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=2048)
        # Without it, a response's body would wait 40 ms for the ACK of its head. asyncio sets it
        # only for sockets that it creates.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        self._ready.clear()
        self._problem = None
        self._thread = threading.Thread(
            target=self._work, args=(listener,), name="inngest-dev", daemon=True
        )
        self._thread.start()
        started = self._ready.wait(_START_TIMEOUT)
        problem = self._failure()
        if problem is not None:
            self._thread.join(_STOP_TIMEOUT)
            self._thread = None
            raise problem
        if not started:
            raise TimeoutError("the embedded engine did not start")

    def stop(self) -> None:
        thread, server, loop = self._thread, self._server, self._loop
        if thread is None:
            return
        if server is not None and loop is not None and not loop.is_closed():
            with suppress(RuntimeError):  # the loop has just closed
                # first end long-polling responses, which would delay the shutdown
                loop.call_soon_threadsafe(self.engine.dismiss)
                if self._dashboard is not None:
                    loop.call_soon_threadsafe(self._dashboard.dismiss)
                loop.call_soon_threadsafe(server.end)
        thread.join(_STOP_TIMEOUT)
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def advance(self, delta: timedelta, timeout: float = 60.0) -> None:
        """Advance the virtual clock, executing everything that falls due on the way."""
        self._do(self.engine.advance(delta), timeout)

    def settle(self, timeout: float = 60.0) -> None:
        """Wait until no item is due and none is being executed."""
        self._do(self.engine.settle(), timeout)

    def sync(self, url: str, timeout: float = 60.0) -> tuple[int, str]:
        """Ask the app at this URL to register.

        :returns: status and text of its response. Status 0: unreachable; the text says why.
        """
        return self._do(self.engine.sync(url), timeout)

    def wait_for_run(self, wanted: str, timeout: float = 60.0) -> dict[str, Json]:
        """Like `Engine.wait_for_run`."""
        return self._do(self.engine.wait_for_run(wanted, timeout), timeout + _READ_TIMEOUT)

    def hold(self, is_away: Callable[[str], bool]) -> None:
        """Like `Engine.hold`. `is_away` is called on the engine's thread."""

        async def hold() -> None:
            self.engine.hold(is_away)

        self._do(hold(), _READ_TIMEOUT)

    def is_calling(self, url: str) -> bool:
        """Like `Engine.is_calling`."""

        async def read() -> bool:
            return self.engine.is_calling(url)

        return self._do(read(), _READ_TIMEOUT)

    def functions(self, url: str = "") -> list[Function]:
        """Return the functions of apps whose URL has this prefix; of all apps by default."""

        async def read() -> list[Function]:
            store = self.engine.store
            apps = {app["name"] for app in store.apps() if str(app["url"]).startswith(url)}
            return [function for function in store.functions() if function.app in apps]

        return self._do(read(), _READ_TIMEOUT)

    def syncs(self) -> dict[str, Json]:
        """Return when each app last registered, by app name."""

        async def read() -> dict[str, Json]:
            return {str(app["name"]): app["synced_at"] for app in self.engine.store.apps()}

        return self._do(read(), _READ_TIMEOUT)

    def forget(self, url: str, before: Mapping[str, Json]) -> list[str]:
        """Remove the functions of apps at this URL prefix that have not registered since.

        :param before: an earlier result of `syncs`.
        :returns: the names of the apps whose functions were removed.
        """

        async def forget() -> list[str]:
            store = self.engine.store
            # keep durable endpoints, which never register; their app is named by its origin
            known = {each.app for each in store.functions() if each.app != each.url}
            gone = [
                app
                for app in store.apps()
                if app["url"].startswith(url)
                and app["name"] in known
                and app["synced_at"] == before.get(app["name"])
            ]
            for app in gone:
                body = {"appName": app["name"], "url": app["url"], "functions": []}
                self.engine.register(body)
            return [app["name"] for app in gone]

        return self._do(forget(), _READ_TIMEOUT)

    def describe_events(self, schemas: Mapping[str, Json]) -> None:
        """Set the JSON schemas of typed events, by event name, for the dashboard."""
        if self._dashboard is not None:
            self._dashboard.schemas = dict(schemas)

    def runs(self, *, limit: int = 100) -> list[dict[str, Json]]:
        async def read() -> list[dict[str, Json]]:
            return self.engine.runs(limit=limit)

        return self._do(read(), _READ_TIMEOUT)

    def history(self, run_id: str) -> dict[str, Json] | None:
        async def read() -> dict[str, Json] | None:
            return self.engine.history(run_id)

        return self._do(read(), _READ_TIMEOUT)

    def _failure(self) -> BaseException | None:
        # a method, as type checkers narrow the attribute to the None that `start` sets
        return self._problem

    def _do(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        if self._thread is None or self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError("the server is not started")
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop has just closed
            work.close()
            raise RuntimeError("the server is not started") from None
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    def _work(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._serve(listener))
        except BaseException as error:  # reported by start(), or lost with the thread
            self._problem = error
        finally:
            listener.close()
            self._ready.set()

    async def _serve(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await self.engine.start()
        sockets = _websockets()
        try:
            config = uvicorn.Config(
                build_app(
                    self.engine,
                    self._dashboard.routes() if self._dashboard else (),
                    host=self._host,
                    has_sockets=sockets != "none",
                ),
                log_config=None,
                access_log=False,
                date_header=False,  # uvicorn's would never be updated, see main_loop
                lifespan="off",
                ws=sockets,
                ws_ping_interval=None,  # workers have heartbeats of their own
            )
            self._server = _Server(config, self.engine)
            self._ready.set()
            await self._server.serve(sockets=[listener])
        finally:
            await self.engine.stop()


class _Server(uvicorn.Server):
    """A server that shuts down as soon as all requests are answered.

    uvicorn's own polls ten times a second whether to exit.
    """

    def __init__(self, config: uvicorn.Config, engine: Engine) -> None:
        super().__init__(config)
        self._engine = engine
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Shut down. Call it on the server's loop."""
        self._ending.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)  # uvicorn builds the default response headers here
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Notify Connect workers, then close sockets and connections."""
        await self._engine.leave_workers()
        for each in (*self.servers, *(sockets or ())):
            each.close()
        await asyncio.sleep(_PAUSE)  # let the last accepted socket become a connection
        for connection in list(self.server_state.connections):
            connection.shutdown()
        state, patience = self.server_state, time.monotonic() + _PATIENCE
        # uvicorn does not signal the end of one
        while (state.connections or state.tasks) and time.monotonic() < patience:  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE)
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(_PAUSE)  # let them end


def _websockets() -> Literal["none", "websockets-sansio"]:
    """Return uvicorn's WebSocket implementation that Connect is tested with, if installed."""
    found = find_spec("websockets")
    try:
        found = found and find_spec("uvicorn.protocols.websockets.websockets_sansio_impl")
    except ImportError:
        return "none"
    return "none" if found is None else "websockets-sansio"
