"""The public worker object: it can be started, watched and closed from any thread or loop."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Mapping, Sequence

from inngest.connect._internal.api import Api
from inngest.connect._internal.errors import ConnectError, ForkedError
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.machine import Machine
from inngest.connect._internal.messages import comm_request
from inngest.connect._internal.signals import shutdown_signals
from inngest.connect._internal.state import ConnectionState, WorkerStatus
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.waiters import Waiters
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.connect._internal.worker import Worker
from inngest.transport import CommResponse, Handler


class Connection:
    """The implementation of :class:`WorkerConnection`."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        identity: Identity,
        *,
        api_origin: str,
        rewrite: Callable[[str], str] = str,
        signals: Sequence[signal.Signals] = (),
        timing: Timing | None = None,
    ) -> None:
        self._handlers, self._identity = dict(handlers), identity
        self._api_origin, self._rewrite, self._signals = api_origin, rewrite, tuple(signals)
        self._timing = timing or Timing()
        self._worker: Worker | None = None
        self._pid: int | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._waiters = Waiters(ConnectionState.CONNECTING)

    async def start(self) -> None:
        self._check_process()
        with self._lock:
            if self._worker is not None:
                has_ended = self._waiters.state is ConnectionState.CLOSED
                raise ConnectError(
                    f"the worker {'has ended' if has_ended else 'is already started'}: "
                    "create another one with connect()"
                )
            if self._is_closed:
                return
            self._pid = os.getpid()
            self._worker = worker = self._make_worker()
        try:
            with shutdown_signals(self._signals, close=worker.close, abort=worker.abort):
                await worker.run()
        except ConnectError as error:
            self._waiters.end(error)
            raise
        finally:
            self._waiters.end(None)
            for handler in self._handlers.values():
                handler.close()

    async def close(self, *, wait: bool = False) -> None:
        self._check_process()
        with self._lock:
            self._is_closed = True
            worker = self._worker
        if worker is None:
            self._waiters.end(None)
            return
        worker.close()
        if wait:
            await self.closed()

    async def closed(self) -> None:
        await self.wait_for_state(ConnectionState.CLOSED)

    async def wait_for_state(self, state: ConnectionState) -> None:
        self._check_process()
        await self._waiters.wait(state)

    def get_state(self) -> ConnectionState:
        self._check_process()
        return self._waiters.state

    def get_connection_id(self) -> str:
        self._check_process()
        found = None if self._worker is None else self._worker.status().connection_id
        if found is None:
            raise ConnectError("connection not established")
        return found

    def status(self) -> WorkerStatus:
        self._check_process()
        state = self._waiters.state
        if self._worker is None:
            return WorkerStatus(
                state=state,
                connection_id=None,
                gateway_group=None,
                seconds_since_heartbeat=None,
                running=0,
                queued=0,
                unacknowledged=0,
                reconnects=0,
                is_io_alive=False,
            )
        return self._worker.status()

    def _make_worker(self) -> Worker:
        first = next(iter(self._handlers.values()))
        machine = Machine(
            self._identity,
            random=random.random,
            authorizations=first.authorizations,
            timing=self._timing,
            rewrite=self._rewrite,
            is_api_encrypted=self._api_origin.startswith("https://"),
        )
        return Worker(
            machine,
            api=lambda: Api(self._api_origin, self._identity.env, self._timing.request),
            execute=self._execute,
            entered=self._waiters.enter,
            orphaned=self._waiters.end,
            waiting=lambda: sum(each.waiting for each in self._handlers.values()),
            timing=self._timing,
        )

    async def _execute(self, request: wire.GatewayExecutorRequestData) -> CommResponse:
        return await self._handlers[request.app_name].call_async(comm_request(request))

    def _check_process(self) -> None:
        if self._pid is not None and self._pid != os.getpid():
            raise ForkedError(
                f"the worker was started in process {self._pid}, and a fork does not copy its "
                f"thread: call connect() and start() in process {os.getpid()}, after the fork "
                "(with gunicorn, in the post_fork or post_worker_init hook)"
            )


__all__ = ["Connection"]
