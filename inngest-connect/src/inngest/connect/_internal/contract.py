"""The public interface of a worker."""

from __future__ import annotations

from typing import Protocol

from inngest.connect._internal.state import ConnectionState, WorkerStatus


class WorkerConnection(Protocol):
    """A worker, as returned by :func:`connect`."""

    async def start(self) -> None:
        """Run the worker until it is closed. Functions run on the calling event loop.

        On the main thread, this installs handlers for the shutdown signals. The first signal
        lets running calls finish; the second ends the worker at once. So does cancellation.

        :raises ConnectError: the worker cannot continue, e.g. because its signing key is invalid.
        """
        ...

    async def close(self, *, wait: bool = False) -> None:
        """Accept no more calls, finish those already received, deliver their replies, and end.

        :param wait: return only when the worker has ended.
        """
        ...

    async def closed(self) -> None:
        """Wait until the worker has ended."""
        ...

    async def wait_for_state(self, state: ConnectionState) -> None:
        """Wait until the worker is in a state.

        :raises ConnectError: the worker has ended and will not be in this state.
        """
        ...

    def get_state(self) -> ConnectionState:
        """Return the worker's state."""
        ...

    def get_connection_id(self) -> str:
        """Return the server's id for the current connection.

        :raises ConnectError: there is no connection.
        """
        ...

    def status(self) -> WorkerStatus:
        """Return a snapshot for probes: ``is_ready``, ``is_live`` and counters."""
        ...
