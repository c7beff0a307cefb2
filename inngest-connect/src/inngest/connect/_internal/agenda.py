"""A schedule of named items, in logarithmic time per operation. Pure."""

from __future__ import annotations

import heapq
from itertools import count


class Agenda:
    """Items by name, each with at most one due time."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._count = count()

    def schedule(self, name: str, due: float) -> None:
        """Schedule an item, in place of its earlier due time."""
        entry = (due, next(self._count))
        self._entries[name] = entry
        heapq.heappush(self._heap, (*entry, name))

    def expedite(self, name: str, now: float) -> None:
        """Make a scheduled item due at ``now``, unless it is due earlier."""
        if name in self._entries and self._entries[name][0] > now:
            self.schedule(name, now)

    def cancel(self, name: str) -> None:
        """Remove an item."""
        self._entries.pop(name, None)
        if len(self._heap) > 2 * len(self._entries) + 64:
            self._heap = [(*entry, key) for key, entry in self._entries.items()]
            heapq.heapify(self._heap)

    def pop_due(self, now: float) -> list[str]:
        """Remove and return the items that are due, earliest first."""
        found: list[str] = []
        while (due := self.next_due) is not None and due <= now:
            name = heapq.heappop(self._heap)[2]
            del self._entries[name]
            found.append(name)
        return found

    @property
    def next_due(self) -> float | None:
        """The earliest due time; ``None`` if nothing is scheduled."""
        while self._heap and self._entries.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
