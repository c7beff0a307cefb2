"""What a worker does for those who hold it."""

from __future__ import annotations

from typing import Protocol

from inngest.connect._internal.state import ConnectionState, WorkerStatus


class WorkerConnection(Protocol):
    """A worker."""

    async def start(self) -> None:
        """Work until the worker is closed. Functions run on the loop that calls this.

        While it runs, and on the main thread only, the shutdown signals close the worker: the
        first lets it finish its calls, a second one ends it at once. Cancelling ends it at
        once, too.

        :raises ConnectError: the worker cannot go on, such as without a valid signing key.
        """
        ...

    async def close(self, *, wait: bool = False) -> None:
        """Take no more calls, finish and deliver those that are here, and end.

        :param wait: return when that is done.
        """
        ...

    async def closed(self) -> None:
        """Wait for the end."""
        ...

    async def wait_for_state(self, state: ConnectionState) -> None:
        """Wait until the worker is in a state.

        :raises ConnectError: it has ended, and will not be.
        """
        ...

    def get_state(self) -> ConnectionState:
        """Where the worker is in its life."""
        ...

    def get_connection_id(self) -> str:
        """What the server calls the connection.

        :raises ConnectError: there is none.
        """
        ...

    def status(self) -> WorkerStatus:
        """How the worker is, for probes: ``is_ready``, ``is_live``, and numbers."""
        ...
