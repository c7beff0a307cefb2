"""The state of a worker, and those who wait for a state, on any event loop."""

from __future__ import annotations

import asyncio
import threading

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.loops import call_on
from inngest.connect._internal.state import ConnectionState

Waiter = tuple[ConnectionState, "asyncio.Future[None]"]


class Waiters:
    """A worker's state, which can be awaited. Thread-safe."""

    def __init__(self, state: ConnectionState) -> None:
        self._lock = threading.Lock()
        self._waiters: list[Waiter] = []
        self._state = state
        self._error: ConnectError | None = None

    @property
    def state(self) -> ConnectionState:
        """The current state."""
        return self._state

    def enter(self, state: ConnectionState) -> None:
        """Record a new state. CLOSED is ignored: ``end`` records it."""
        if state is ConnectionState.CLOSED:
            return
        with self._lock:
            if self._state is ConnectionState.CLOSED:
                return
            self._state = state
            found = [one for one in self._waiters if one[0] is state]
        for _, future in found:
            _resolve(future, None)

    def end(self, error: ConnectError | None) -> None:
        """Record that the worker has ended. CLOSED is its final state."""
        with self._lock:
            if self._state is ConnectionState.CLOSED:
                return
            self._state, self._error = ConnectionState.CLOSED, error
            found = self._waiters[:]
        for wanted, future in found:
            is_reached = wanted is ConnectionState.CLOSED
            _resolve(future, None if is_reached else self._unreachable(wanted))

    async def wait(self, state: ConnectionState) -> None:
        """Wait until the worker is in a state.

        :raises ConnectError: the worker has ended and will not be in this state.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (state, future)
        with self._lock:
            if self._state is state:
                return
            if self._state is ConnectionState.CLOSED:
                raise self._unreachable(state)
            self._waiters.append(waiter)
        try:
            await future
        finally:
            with self._lock:
                self._waiters.remove(waiter)

    def _unreachable(self, state: ConnectionState) -> ConnectError:
        error = ConnectError(f"the worker has ended and cannot become {state.value}")
        error.__cause__ = self._error
        return error


def _resolve(future: asyncio.Future[None], error: ConnectError | None) -> None:
    def resolve() -> None:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    call_on(future.get_loop(), resolve)  # a waiter whose loop is closed is gone
