"""Replies, each kept until the server acknowledges it. Pure.

Above 500 MB, the oldest replies are evicted; the caller logs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inngest.connect._internal.agenda import Agenda

MAX_BYTES: Final = 500 * 1000 * 1000


@dataclass(slots=True)
class Entry:
    """A reply, and its delivery so far."""

    request_id: str
    body: bytes
    link: int | None = None
    """The connection that it was last sent on; ``None`` if any path may be used."""
    flushes: int = 0
    """The number of failed flushes."""


class Outbox:
    """All unacknowledged replies, and when to deliver them."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._entries: dict[str, Entry] = {}
        self._agenda = Agenda()
        self._max_bytes = max_bytes
        self._bytes = 0

    def add(self, request_id: str, body: bytes, now: float) -> list[str]:
        """Add a reply, due at once. Return the request ids of evicted replies."""
        self.remove(request_id)
        self._entries[request_id] = Entry(request_id, body)
        self._agenda.schedule(request_id, now)
        self._bytes += len(body)
        evicted: list[str] = []
        while self._bytes > self._max_bytes and len(self._entries) > 1:
            oldest = next(iter(self._entries))
            self.remove(oldest)
            evicted.append(oldest)
        return evicted

    def remove(self, request_id: str) -> None:
        """Remove a reply that was acknowledged or is dropped."""
        entry = self._entries.pop(request_id, None)
        if entry is not None:
            self._agenda.cancel(request_id)
            self._bytes -= len(entry.body)

    def get(self, request_id: str) -> Entry | None:
        """Return the reply to a call."""
        return self._entries.get(request_id)

    def sent(self, entry: Entry, link: int, due: float) -> None:
        """Record that a reply was sent on a connection, to be delivered again at ``due``."""
        entry.link = link
        self._agenda.schedule(entry.request_id, due)

    def flush_failed(self, entry: Entry, due: float) -> None:
        """Record a failed flush, to be retried at ``due``."""
        entry.link = None
        entry.flushes += 1
        self._agenda.schedule(entry.request_id, due)

    def make_due(self, request_id: str, now: float) -> None:
        """Make a reply that was waiting for a flush due at once."""
        if request_id in self._entries:
            self._agenda.schedule(request_id, now)

    def connection_lost(self, link: int, now: float) -> None:
        """Make the unacknowledged replies that were sent on a lost connection due at once."""
        for entry in self._entries.values():
            if entry.link == link:
                self._agenda.expedite(entry.request_id, now)

    def resend(self, request_id: str, now: float) -> None:
        """Make a reply due at once, on any path: the gateway has sent its call again."""
        entry = self._entries.get(request_id)
        if entry is not None:
            entry.link = None
            self._agenda.expedite(request_id, now)

    def retry_flushes(self, now: float) -> None:
        """Make the replies that wait to be flushed again due at once."""
        for entry in self._entries.values():
            if entry.link is None:
                self._agenda.expedite(entry.request_id, now)

    def due(self, now: float) -> list[Entry]:
        """Return the replies to deliver now. ``sent`` or ``flush_failed`` reschedules them."""
        return [self._entries[request_id] for request_id in self._agenda.pop_due(now)]

    def awaits_ack_on(self, link: int) -> bool:
        """Return whether a reply sent on a connection has not been acknowledged."""
        return any(entry.link == link for entry in self._entries.values())

    @property
    def next_due(self) -> float | None:
        """When the next reply is due."""
        return self._agenda.next_due

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)
