"""Replies that nobody has confirmed. None leaves before somebody has. Pure.

The only limit is memory: over 500 MB the oldest reply is given up, and named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.agenda import Agenda

MAX_BYTES: Final = 500 * 1000 * 1000


@dataclass(slots=True)
class Entry:
    """One reply, and how it is under way."""

    request_id: str
    body: bytes
    link: int | None = None
    """The connection that it was last sent on."""
    flushes: int = 0
    """Times that it could not be delivered over HTTP."""


class Outbox:
    """All replies that are under way."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._entries: dict[str, Entry] = {}
        self._agenda = Agenda()
        self._max_bytes = max_bytes
        self._bytes = 0

    def add(self, request_id: str, body: bytes, now: float) -> list[str]:
        """Keep a reply; it is due at once. Returns the calls whose replies were given up."""
        self.confirmed(request_id)
        self._entries[request_id] = Entry(request_id, body)
        self._agenda.put(request_id, now)
        self._bytes += len(body)
        evicted: list[str] = []
        while self._bytes > self._max_bytes and len(self._entries) > 1:
            oldest = next(iter(self._entries))
            self.confirmed(oldest)
            evicted.append(oldest)
        return evicted

    def confirmed(self, request_id: str) -> None:
        """Somebody has the reply, or nobody is to have it."""
        entry = self._entries.pop(request_id, None)
        if entry is not None:
            self._agenda.drop(request_id)
            self._bytes -= len(entry.body)

    def get(self, request_id: str) -> Entry | None:
        """The reply to a call."""
        return self._entries.get(request_id)

    def sent(self, entry: Entry, link: int, due: float) -> None:
        """It went out on a connection; unless it is confirmed, it is due again."""
        entry.link = link
        self._agenda.put(entry.request_id, due)

    def flush_failed(self, entry: Entry, due: float) -> None:
        """It could not be delivered over HTTP; it is due again."""
        entry.link = None
        entry.flushes += 1
        self._agenda.put(entry.request_id, due)

    def recalled(self, request_id: str, now: float) -> None:
        """It is not to be delivered over HTTP after all: it is due at once."""
        if request_id in self._entries:
            self._agenda.put(request_id, now)

    def lost(self, link: int, now: float) -> None:
        """A connection is gone: what was sent on it is due at once."""
        for entry in self._entries.values():
            if entry.link == link:
                self._agenda.hurry(entry.request_id, now)

    def wanted(self, request_id: str, now: float) -> None:
        """It is asked for once more: it is due at once, by any way."""
        entry = self._entries.get(request_id)
        if entry is not None:
            entry.link = None
            self._agenda.hurry(request_id, now)

    def hurry(self, now: float) -> None:
        """There is another way out: what waits for its next attempt is due at once."""
        for entry in self._entries.values():
            if entry.link is None:
                self._agenda.hurry(entry.request_id, now)

    def due(self, now: float) -> list[Entry]:
        """What to deliver now. It is due again when it was ``sent`` or its flush has failed."""
        return [self._entries[request_id] for request_id in self._agenda.take(now)]

    def waits_for(self, link: int) -> bool:
        """Whether a confirmation may still come by a connection."""
        return any(entry.link == link for entry in self._entries.values())

    @property
    def next_due(self) -> float | None:
        """When something is to be done next."""
        return self._agenda.next_due

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)
