"""Accepted calls: those that run, and those that wait for a free slot. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.wire import connect_pb2 as wire

MAX_REMEMBERED: Final = 4096
"""The number of finished calls that are remembered, to recognize duplicates."""


@dataclass(slots=True)
class Call:
    """A call, and the connection on which it was received."""

    request: wire.GatewayExecutorRequestData
    link: int
    is_running: bool = False


class Calls:
    """All unfinished calls.

    :param limit: the maximum number of running calls; ``None`` for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._calls: dict[str, Call] = {}
        self._waiting: deque[str] = deque()
        self._finished: OrderedDict[str, None] = OrderedDict()
        self.running = 0

    def add(self, request: wire.GatewayExecutorRequestData, link: int) -> None:
        """Queue a call."""
        self._calls[request.request_id] = Call(request, link)
        self._waiting.append(request.request_id)

    def start_waiting(self) -> list[Call]:
        """Start queued calls, oldest first, while there are free slots. Return them."""
        found: list[Call] = []
        while self._waiting and (self._limit is None or self.running < self._limit):
            call = self._calls.get(self._waiting.popleft())
            if call is not None:  # finished before it started
                call.is_running = True
                self.running += 1
                found.append(call)
        return found

    def finish(self, request_id: str) -> Call | None:
        """Remove a call and remember it as finished. Return it, or ``None`` if it is unknown."""
        call = self._calls.pop(request_id, None)
        if call is None:
            return None
        self.running -= call.is_running
        self._finished[request_id] = None
        if len(self._finished) > MAX_REMEMBERED:
            self._finished.popitem(last=False)
        return call

    def discard_waiting(self, request_id: str) -> bool:
        """Remove a call unless it is running or unknown. Return whether it was removed."""
        call = self._calls.get(request_id)
        if call is None or call.is_running:
            return False
        del self._calls[request_id]
        self._waiting.remove(request_id)
        return True

    def has_finished(self, request_id: str) -> bool:
        """Return whether the call has finished. Old calls are forgotten."""
        return request_id in self._finished

    def get(self, request_id: str) -> Call | None:
        """Return an unfinished call."""
        return self._calls.get(request_id)

    def any_from(self, link: int) -> bool:
        """Return whether an unfinished call was received on a connection."""
        return any(call.link == link for call in self._calls.values())

    @property
    def waiting(self) -> int:
        """The number of queued calls."""
        return len(self._waiting)

    @property
    def ids(self) -> list[str]:
        """The request ids of all unfinished calls."""
        return list(self._calls)

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._calls

    def __len__(self) -> int:
        return len(self._calls)
