"""Calls that the worker has taken: those that run, and those that wait for a place. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.wire import connect_pb2 as wire

MOST_REMEMBERED: Final = 4096
"""Answered calls that are known again, should a gateway send them twice."""


@dataclass(slots=True)
class Call:
    """One call, and the connection that it came by."""

    request: wire.GatewayExecutorRequestData
    link: int
    is_running: bool = False


class Calls:
    """All calls that are not answered yet.

    :param limit: how many may run at once; ``None`` for any number.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._calls: dict[str, Call] = {}
        self._waiting: deque[str] = deque()
        self._answered: OrderedDict[str, None] = OrderedDict()
        self.running = 0

    def take(self, request: wire.GatewayExecutorRequestData, link: int) -> None:
        """A call came in; it waits for a place."""
        self._calls[request.request_id] = Call(request, link)
        self._waiting.append(request.request_id)

    def startable(self) -> list[Call]:
        """Give every free place to the call that has waited longest."""
        found: list[Call] = []
        while self._waiting and (self._limit is None or self.running < self._limit):
            call = self._calls.get(self._waiting.popleft())
            if call is not None:  # it may have been given up
                call.is_running = True
                self.running += 1
                found.append(call)
        return found

    def answered(self, request_id: str) -> Call | None:
        """A call has ended."""
        call = self._calls.pop(request_id, None)
        if call is None:
            return None
        self.running -= call.is_running
        self._answered[request_id] = None
        if len(self._answered) > MOST_REMEMBERED:
            self._answered.popitem(last=False)
        return call

    def give_up_waiting(self, request_id: str) -> bool:
        """Forget a call that has not begun. Whether there was one."""
        call = self._calls.get(request_id)
        if call is None or call.is_running:
            return False
        del self._calls[request_id]
        self._waiting.remove(request_id)
        return True

    def was_answered(self, request_id: str) -> bool:
        """Whether the call has ended, as far as that is remembered."""
        return request_id in self._answered

    def get(self, request_id: str) -> Call | None:
        """A call that is not answered yet."""
        return self._calls.get(request_id)

    def came_by(self, link: int) -> bool:
        """Whether one of the calls came by a connection."""
        return any(call.link == link for call in self._calls.values())

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @property
    def ids(self) -> list[str]:
        """Of all calls."""
        return list(self._calls)

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._calls

    def __len__(self) -> int:
        return len(self._calls)
