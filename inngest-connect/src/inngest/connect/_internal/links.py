"""The worker's connections: which one is current, and how it is replaced. Pure.

When the current connection is lost, a new one is opened. When its gateway drains, a new one is
opened first; until that is ready, the old one still carries replies and lease extensions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count

from inngest.connect._internal.connector import Connector
from inngest.connect._internal.effects import Close, Effects, Open
from inngest.connect._internal.handshake import Handshake
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.life import Life
from inngest.connect._internal.link import NORMAL, SHUTDOWN_REASON, Link
from inngest.connect._internal.timing import Timing, earliest
from inngest.connect._internal.wire import connect_pb2 as wire


class Links:
    """All connections of a worker."""

    def __init__(
        self,
        identity: Identity,
        connector: Connector,
        life: Life,
        timing: Timing,
        effects: Effects,
    ) -> None:
        self._identity, self._connector, self._life = identity, connector, life
        self._timing, self._effects = timing, effects
        self._links: dict[int, Link] = {}
        self._ids = count(1)
        self.reconnects = 0
        """The number of connections that were lost after they were ready."""
        self.last_heartbeat_at: float | None = None
        """When a gateway last answered a heartbeat."""

    @property
    def current(self) -> Link | None:
        """The connection for calls; ``None`` if there is none. Thread-safe."""
        ready = [link for link in list(self._links.values()) if link.is_current]
        return ready[-1] if ready else None

    @property
    def retiring(self) -> list[Link]:
        """The connections to close when their calls are finished; empty until one replaces them."""
        found = [link for link in self._links.values() if link.is_retiring and link.is_ready]
        return found if found and self.current is not None else []

    @property
    def next_due(self) -> float | None:
        """When there is something to do next."""
        return earliest(*[link.next_due for link in self._links.values()])

    def get(self, link_id: int) -> Link | None:
        """Return a connection, unless it is closed."""
        return self._links.get(link_id)

    def open(self, named: wire.StartResponse, url: str, now: float) -> None:
        """Open a connection to the gateway that the API assigned."""
        link = Link(
            id=next(self._ids),
            connection_id=named.connection_id,
            group=named.gateway_group,
            handshake=Handshake(self._identity, named),
            deadline=now + self._timing.handshake,
        )
        self._links[link.id] = link
        self._effects.add(Open(link.id, url))

    def connected(self, link: Link, terms: wire.GatewayConnectionReadyData, now: float) -> None:
        """Make a connection current when its handshake is complete, and retire all others."""
        link.apply_terms(terms, self._timing, now)
        for other in self._links.values():
            if other is not link:
                other.is_retiring = True
        self._life.connected()
        self._connector.connected()
        self._effects.log("connected", **link.log_fields)
        if not self._life.is_closing:
            if link.handshake.is_routable:
                self._life.activate()
            else:
                link.ready_due = now + self._timing.ack
        elif link.handshake.is_routable:  # the shutdown began after WORKER_CONNECT
            self._effects.send(link.id, wire.WORKER_PAUSE)

    def admit_calls(self, now: float, *, has_pending_replies: bool) -> None:
        """Send WORKER_READY when all replies are delivered, or when that takes too long."""
        link = self.current
        if link is None or link.ready_due is None:
            return
        if link.ready_due <= now or not has_pending_replies:
            link.ready_due = None
            self._effects.send(link.id, wire.WORKER_READY)
            if link.heartbeat is not None:
                link.heartbeat.expect_answers(now)
            self._life.activate()

    def heartbeat_answered(self, link: Link, now: float) -> None:
        """Handle the answer to a heartbeat."""
        self.last_heartbeat_at = now
        if link.heartbeat is not None:
            link.heartbeat.answered(now)
            if link.heartbeat.is_stable:
                self._connector.proved_stable()

    def pause(self) -> None:
        """Send WORKER_PAUSE, which is final, on all connections."""
        for link in self._links.values():
            link.ready_due = None
            if link.is_ready:
                self._effects.send(link.id, wire.WORKER_PAUSE)

    def retire(self, link: Link, now: float) -> None:
        """Retire the connection to a draining gateway, and request another one."""
        if link.is_retiring:
            return
        link.is_retiring = True
        self._effects.log("gateway_closing", **link.log_fields)
        self._connector.exclude(link.group)
        if not self._life.is_closing:
            self._life.reconnect()
            self._connector.replace_draining(now)

    def close(self, link: Link, now: float) -> None:
        """Begin the closing handshake."""
        if not link.is_closing:
            link.is_closing, link.deadline = True, now + self._timing.closing
            self._effects.add(Close(link.id, NORMAL, SHUTDOWN_REASON))

    def remove(self, link: Link, now: float, cause: str, code: int | None = None) -> None:
        """Remove a connection that has closed or failed, and schedule its replacement."""
        del self._links[link.id]
        if link.is_closing:
            return
        was_connecting = not link.handshake.is_done
        self.reconnects += not was_connecting
        level = logging.INFO if link.is_retiring else logging.WARNING
        self._effects.log("disconnected", level, reason=cause, code=code, **link.log_fields)
        if self.current is not None:
            return
        if not self._life.is_closing:
            self._connector.exclude(link.group)
            self._life.reconnect()
        # a draining gateway's replacement is requested already
        if was_connecting or not self._connector.is_pending:
            self._connector.failed(now)

    def close_all(self) -> None:
        """Close all connections without waiting for them."""
        for link in self._links.values():
            self._effects.add(Close(link.id, NORMAL, SHUTDOWN_REASON))
        self._links.clear()

    def __iter__(self) -> Iterator[Link]:
        """Iterate over a snapshot: connections may be removed meanwhile."""
        return iter(list(self._links.values()))

    def __len__(self) -> int:
        return len(self._links)
