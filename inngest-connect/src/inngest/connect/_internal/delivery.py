"""Deliver every reply to the server, over the connection or over HTTP. Pure.

A reply is sent on the connection that its call was received on, else on the current one. It is
flushed over HTTP if there is no connection, if its connection is lost before the acknowledgement,
or if the acknowledgement is late. Few flushes run at a time, so as not to overload a slow server;
after a failure only one, with backoff. Duplicates are harmless: the server keeps the first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from inngest.connect._internal.calls import Call
from inngest.connect._internal.connector import Connector
from inngest.connect._internal.effects import Effects, Flush, Send
from inngest.connect._internal.link import Link
from inngest.connect._internal.links import Links
from inngest.connect._internal.messages import reply
from inngest.connect._internal.outbox import Entry, Outbox
from inngest.connect._internal.timing import Timing, earliest, with_jitter
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

MAX_MALFORMED_FLUSHES: Final = 5
"""The number of failed flushes after which a reply that is rejected as malformed is dropped."""

MAX_CONCURRENT_FLUSHES: Final = 8
"""The maximum number of concurrent flushes."""


class Delivery:
    """The outbox, and the choice of a path for each reply."""

    def __init__(
        self,
        connector: Connector,
        timing: Timing,
        random: Callable[[], float],
        effects: Effects,
    ) -> None:
        self._connector, self._timing, self._random = connector, timing, random
        self._effects = effects
        self._call_links: dict[str, int] = {}
        self._queued: dict[str, None] = {}
        self._flushing: set[str] = set()
        self._failures = 0
        self._pause_until = 0.0
        self.outbox = Outbox()

    @property
    def next_due(self) -> float | None:
        """When ``tick`` has something to do."""
        may_flush = self._queued and len(self._flushing) < self._flush_limit
        return earliest(self.outbox.next_due, self._pause_until if may_flush else None)

    @property
    def _flush_limit(self) -> int:
        """The number of flushes that may run at a time."""
        return 1 if self._failures else MAX_CONCURRENT_FLUSHES

    def add(self, call: Call, response: CommResponse, now: float) -> None:
        """Add the reply to a finished call."""
        request_id = call.request.request_id
        body = reply(call.request, response).SerializeToString()
        self._call_links[request_id] = call.link
        for lost in self.outbox.add(request_id, body, now):
            self._call_links.pop(lost, None)
            self._log_loss(lost, "more than 500 MB of replies are not acknowledged")

    def acknowledged(self, request_id: str) -> None:
        """Remove a reply that was acknowledged or is dropped."""
        self.outbox.remove(request_id)
        self._call_links.pop(request_id, None)
        self._queued.pop(request_id, None)

    def flushed(self, request_id: str) -> None:
        """Remove a reply that was flushed, and reset the backoff."""
        self._flushing.discard(request_id)
        self._failures, self._pause_until = 0, 0.0
        self.acknowledged(request_id)

    def flush_failed(
        self, request_id: str, status: int, reason: str, now: float, retry_after: float
    ) -> None:
        """Schedule the next attempt, or drop a reply that the server rejects."""
        self._flushing.discard(request_id)
        entry = self.outbox.get(request_id)
        if entry is None:
            return
        if status in (400, 413) and entry.flushes + 1 >= MAX_MALFORMED_FLUSHES:
            self.acknowledged(request_id)
            self._log_loss(request_id, f"rejected with status {status}")
            return
        if status in (401, 403):
            self._connector.switch_key()
        delay = retry_after + self._backoff(entry.flushes)
        self.outbox.flush_failed(entry, now + delay)
        # An outage fails every flush: log one warning, and advance the backoff once per pause.
        level = logging.DEBUG if self._failures else logging.WARNING
        if status not in (400, 413) and now >= self._pause_until:  # not malformed
            self._pause_until = now + retry_after + self._backoff(self._failures)
            self._failures += 1
        self._effects.log(
            "flush_failed",
            level,
            request_id=request_id,
            reason=reason,
            retry_in=round(delay, 3),
            undelivered=len(self.outbox),
        )

    def resend(self, request_id: str, now: float) -> None:
        """Resend a reply at once: the gateway has sent its call again."""
        self.outbox.resend(request_id, now)

    def connected(self, now: float) -> None:
        """Send replies that wait for a flush, or for its retry, on the new connection."""
        for request_id in self._queued:
            self.outbox.make_due(request_id, now)
        self._queued.clear()
        self.outbox.retry_flushes(now)

    def connection_lost(self, link: int, now: float) -> None:
        """Deliver at once what was sent on a lost connection and not acknowledged."""
        self.outbox.connection_lost(link, now)

    def awaits_ack_on(self, link: int) -> bool:
        """Return whether a reply sent on a connection has not been acknowledged."""
        return self.outbox.awaits_ack_on(link)

    def tick(self, now: float, links: Links) -> None:
        """Deliver the replies that are due."""
        for entry in self.outbox.due(now):
            link = self._route(entry, links)
            if link is not None:
                self.outbox.sent(entry, link.id, now + self._timing.ack)
                frame = wire.ConnectMessage(kind=wire.WORKER_REPLY, payload=entry.body)
                self._effects.add(Send(link.id, frame.SerializeToString(), is_large=True))
            else:
                self._queued[entry.request_id] = None
        while self._queued and len(self._flushing) < self._flush_limit and self._pause_until <= now:
            self._flush(next(iter(self._queued)))

    def _flush(self, request_id: str) -> None:
        del self._queued[request_id]
        entry = self.outbox.get(request_id)
        if entry is not None:  # acknowledged or dropped meanwhile
            self._flushing.add(request_id)
            self._effects.add(Flush(request_id, entry.body, self._connector.authorization))

    def _backoff(self, failures: int) -> float:
        delays = self._timing.flush
        return with_jitter(delays[min(failures, len(delays) - 1)], self._random())

    def _route(self, entry: Entry, links: Links) -> Link | None:
        """Choose the connection for a reply; ``None`` for HTTP."""
        current = links.current
        if entry.link is not None:  # do not retry on a connection that did not acknowledge
            return current if current is not None and current.id != entry.link else None
        call_link = links.get(self._call_links.get(entry.request_id, 0))
        return call_link if call_link is not None and call_link.is_ready else current

    def _log_loss(self, request_id: str, reason: str) -> None:
        self._effects.log("reply_lost", logging.ERROR, request_id=request_id, reason=reason)
