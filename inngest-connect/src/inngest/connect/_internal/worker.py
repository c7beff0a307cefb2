"""The I/O shell of a worker: it owns the thread, sockets and timer, and performs effects.

The state machine runs on an event loop in a thread of its own, so that blocking user code does not
delay heartbeats and leases. Calls are executed on the loop that started the worker.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from inngest.connect._internal import log
from inngest.connect._internal.api import Api, ApiFailure, ApiSuccess
from inngest.connect._internal.effects import (
    Close,
    Effect,
    Enter,
    Flush,
    Log,
    Open,
    Run,
    Send,
    Start,
    Stop,
)
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.home import ORPHANED, Execute, Home
from inngest.connect._internal.loops import call_on
from inngest.connect._internal.machine import Machine
from inngest.connect._internal.messages import is_receipt
from inngest.connect._internal.sockets import Socket
from inngest.connect._internal.state import ConnectionState, WorkerStatus
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

logger = logging.getLogger("inngest.connect")
Step = Callable[[float], list[Effect]]


class Worker:
    """Runs a state machine. Created on the loop that executes the calls.

    :param entered: called with every new state except CLOSED, on the worker's thread.
    :param orphaned: called with the error at the end, if the loop that the worker was created on
        is closed, so that ``run`` cannot raise it.
    :param waiting: returns how many of the calls passed to ``execute`` wait for a thread.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        api: Callable[[], Api],
        execute: Execute,
        entered: Callable[[ConnectionState], None],
        orphaned: Callable[[ConnectError | None], None],
        waiting: Callable[[], int],
        timing: Timing,
    ) -> None:
        self._machine, self._make_api = machine, api
        self._entered, self._orphaned, self._timing = entered, orphaned, timing
        self._waiting = waiting
        self._home = Home(execute, self._replied)
        self._thread = threading.Thread(target=self._main, name="inngest-connect", daemon=True)
        # Used on the worker's thread; others only read _loop and append to _queued_steps.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._api: Api | None = None
        self._sockets: dict[int, tuple[Socket, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = asyncio.Event()
        self._error: ConnectError | None = None
        self._queued_steps: list[Step] = []

    # called from other threads

    async def run(self) -> None:
        """Run the worker until it ends.

        :raises ConnectError: the worker ended because of an error.
        """
        self._thread.start()
        try:
            error = await asyncio.shield(self._home.ended)
        except asyncio.CancelledError:
            self.abort()
            await asyncio.wait([self._home.ended])
            raise
        finally:
            self._thread.join(self._timing.closing)
            await self._home.cancel_calls()
        if error is not None:
            raise error

    def close(self) -> None:
        """Shut down gracefully. Safe to call from any thread and from signal handlers."""
        self._request(self._machine.close)

    def abort(self) -> None:
        """End at once. Safe to call from any thread and from signal handlers."""
        self._request(self._machine.abort)

    def status(self) -> WorkerStatus:
        """Return a snapshot. Thread-safe, but the values may not be from the same moment."""
        machine, loop = self._machine, self._loop
        link, heard = machine.current, machine.last_heartbeat_at
        is_known = heard is not None and loop is not None
        is_alive = self._thread.is_alive() and not self._home.is_closed
        begun, waiting = machine.calls.running, self._waiting()
        return WorkerStatus(
            state=machine.state if is_alive else ConnectionState.CLOSED,
            connection_id=None if link is None else link.connection_id,
            gateway_group=None if link is None else link.group,
            seconds_since_heartbeat=loop.time() - heard if is_known else None,  # type: ignore[union-attr,operator]
            running=max(begun - waiting, 0),
            queued=machine.calls.waiting + waiting,
            unacknowledged=machine.unacknowledged,
            reconnects=machine.reconnects,
            is_io_alive=is_alive,
        )

    def _request(self, step: Step) -> None:
        # Queue before checking for the loop: a thread that is starting runs the queue itself.
        self._queued_steps.append(step)
        if self._loop is not None:
            call_on(self._loop, self._run_queued_steps)

    def _replied(self, request_id: str, response: CommResponse) -> None:
        if self._loop is not None:
            machine = self._machine
            call_on(
                self._loop, self._advance, lambda now: machine.replied(now, request_id, response)
            )

    # the worker's thread

    def _main(self) -> None:
        error: ConnectError | None = None
        try:
            asyncio.run(self._serve())
            error = self._error
        except ConnectError as raised:
            error = raised
        except BaseException as raised:
            logger.critical("connect: the worker's thread failed", exc_info=raised)
            error = ConnectError(f"the worker's thread failed: {raised!r}")
        if not self._home.end(error):
            logger.error("connect: the worker has ended: %s", error or ORPHANED)
            self._orphaned(error or ConnectError(ORPHANED))

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._api = self._make_api()
        try:
            self._advance(self._machine.start)
            self._loop = loop
            self._run_queued_steps()
            await self._stopped.wait()
            if self._closing:
                await asyncio.wait(self._closing, timeout=3 * self._timing.closing)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            left = [*self._tasks, *self._closing]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)
            await self._api.close()

    def _run_queued_steps(self) -> None:
        while self._queued_steps:
            self._advance(self._queued_steps.pop(0))

    def _advance(self, step: Step) -> None:
        """Run a step of the machine, perform its effects, and reschedule the timer."""
        if self._stopped.is_set():
            return
        if self._home.is_closed:
            self._finish(ConnectError(ORPHANED))
            return
        loop = asyncio.get_running_loop()
        try:
            for effect in step(loop.time()):
                self._perform(effect)
        except Exception as raised:
            logger.critical("connect: the worker's state machine failed", exc_info=raised)
            self._finish(ConnectError(f"the worker's state machine failed: {raised!r}"))
            return
        if self._timer is not None:
            self._timer.cancel()
        due = self._machine.next_due
        if due is not None and not self._stopped.is_set():
            self._timer = loop.call_at(due, self._advance, self._machine.tick)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(link, data, is_large):
                if link in self._sockets:
                    self._sockets[link][0].send(data, is_large=is_large)
            case Run(request):
                self._execute(request)
            case Start():
                self._spawn(self._start(effect), self._tasks)
            case Flush():
                self._spawn(self._flush(effect), self._tasks)
            case Open(link, url):
                self._open(link, url)
            case Close(link, code, reason):
                self._close(link, code, reason)
            case Enter(state):
                if state is not ConnectionState.CLOSED:  # reported when the sockets are closed, too
                    self._entered(state)
            case Log():
                log.write(effect)
            case Stop(error):
                self._finish(error)

    def _execute(self, request: wire.GatewayExecutorRequestData) -> None:
        if not self._home.execute(request):
            self._finish(ConnectError(ORPHANED))

    def _finish(self, error: ConnectError | None) -> None:
        self._error = error
        self._stopped.set()

    def _spawn(
        self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    # the API

    async def _start(self, effect: Start) -> None:
        assert self._api is not None
        answer = await self._api.post("/v0/connect/start", effect.body, effect.authorization)
        machine = self._machine
        if isinstance(answer, ApiSuccess):
            self._advance(lambda now: machine.started(now, answer.body))
        elif answer.is_unauthorized:
            self._advance(lambda now: machine.refused(now, answer.status))
        else:
            self._advance(lambda now: machine.start_failed(now, answer.reason, answer.retry_after))

    async def _flush(self, effect: Flush) -> None:
        assert self._api is not None
        answer = await self._api.post("/v0/connect/flush", effect.body, effect.authorization)
        machine, request_id = self._machine, effect.request_id
        if isinstance(answer, ApiFailure):
            self._advance(
                lambda now: machine.flush_failed(
                    now, request_id, answer.status, answer.reason, answer.retry_after
                )
            )
        elif is_receipt(answer.body, request_id):
            self._advance(lambda now: machine.flushed(now, request_id))
        else:
            reason = "status 200, but no confirmation that the server has the reply"
            self._advance(lambda now: machine.flush_failed(now, request_id, 200, reason))

    # sockets

    def _open(self, link: int, url: str) -> None:
        machine = self._machine
        socket = Socket(
            url,
            opened=lambda: self._advance(lambda now: machine.opened(now, link)),
            received=lambda data: self._advance(lambda now: machine.received(now, link, data)),
            handshake=self._timing.handshake,
            closing=self._timing.closing,
        )
        self._sockets[link] = (socket, self._spawn(self._read(link, socket), self._tasks))

    async def _read(self, link: int, socket: Socket) -> None:
        try:
            code, reason = await socket.run()
        finally:  # _close_socket cancels this task if the peer does not respond
            self._sockets.pop(link, None)
        self._advance(lambda now: self._machine.closed(now, link, code, reason))

    def _close(self, link: int, code: int, reason: str) -> None:
        found = self._sockets.get(link)
        if found is not None:
            self._spawn(self._close_socket(*found, code, reason), self._closing)

    async def _close_socket(
        self, socket: Socket, reader: asyncio.Task[None], code: int, reason: str
    ) -> None:
        await socket.close(code, reason)
        reader.cancel()
