"""The worker's half of the protocol: bytes, answers and time in; effects out. Pure.

Every method takes the time, and returns what the shell has to do; ``next_due`` says when to
call ``tick``. It opens no socket, starts no thread, reads no clock, and never raises for
anything that came from outside.

Here are its inputs, and the rules that concern several of its parts. Each part owns its
state, and is in a module of its name:

- ``connector``: when to look for a gateway, and with which key;
- ``links``: the connections, one of which calls come by;
- ``execution``: calls in flight, and their leases;
- ``delivery``: replies, until the server has them;
- ``life``: the state of the worker, and its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from inngest.connect._internal.calls import Calls
from inngest.connect._internal.connector import Connector
from inngest.connect._internal.delivery import Delivery
from inngest.connect._internal.effects import Close, Effect, Effects, Send
from inngest.connect._internal.errors import ConnectError, ConnectRefusedError
from inngest.connect._internal.execution import Execution
from inngest.connect._internal.frames import Frame, Malformed, decode, name_of, parse
from inngest.connect._internal.gateway_url import readable_host, rewritten
from inngest.connect._internal.handshake import (
    CONFIGURATION,
    Ignored,
    Introduce,
    Leaving,
    Ready,
    SyncRefused,
)
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.life import Life
from inngest.connect._internal.link import INVALID_DATA, Failure, Link
from inngest.connect._internal.links import Links
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import Timing, earliest
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse


class Machine:
    """One worker.

    :param authorizations: values of the header ``authorization``, in order of trial.
    :param random: gives numbers from 0 to 1.
    :param rewrite: gives the URL to use instead of a gateway's.
    :param is_api_encrypted: whether the API is asked over TLS, as its gateways should be.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        random: Callable[[], float],
        authorizations: Sequence[str] = (),
        timing: Timing | None = None,
        rewrite: Callable[[str], str] = str,
        is_api_encrypted: bool = False,
    ) -> None:
        timing = timing or Timing()
        self._timing, self._rewrite = timing, rewrite
        self._is_api_encrypted = is_api_encrypted
        self._effects = effects = Effects()
        self._life = life = Life(effects)
        self._connector = connector = Connector(authorizations, timing.reconnect, random)
        self._links = Links(identity, connector, life, timing, effects)
        self._delivery = Delivery(connector, timing, random, effects)
        self._execution = Execution(identity, self._delivery, timing, effects)

    # what is known

    @property
    def state(self) -> ConnectionState:
        """Where the worker is in its life."""
        return self._life.state

    @property
    def current(self) -> Link | None:
        """The connection that calls come by. From any thread."""
        return self._links.current

    @property
    def reconnects(self) -> int:
        """Connections that were lost."""
        return self._links.reconnects

    @property
    def calls(self) -> Calls:
        """Calls that are not answered yet."""
        return self._execution.calls

    @property
    def unacknowledged(self) -> int:
        """Replies that nobody has confirmed."""
        return len(self._delivery.outbox)

    @property
    def heard_at(self) -> float | None:
        """When a gateway last answered a heartbeat."""
        return self._links.heard_at

    @property
    def next_due(self) -> float | None:
        """When to call ``tick``."""
        if self._life.has_ended:
            return None
        return earliest(
            self._life.closes_by,
            self._connector.due,
            self._links.next_due,
            self._delivery.next_due,
            None if self._links.current is None else self._execution.next_due,
        )

    # the worker's life

    def start(self, now: float) -> list[Effect]:
        """Begin."""
        self._life.begin()
        self._connector.want(now)
        return self.tick(now)

    def close(self, now: float) -> list[Effect]:
        """Take no more calls, finish those that are here, and end."""
        if not (self._life.is_closing or self._life.has_ended):
            self._life.close(now + self._timing.shutdown)
            self._effects.log("closing", running=self.calls.running, queued=self.calls.waiting)
            self._execution.close(now)
            self._links.pause()
        return self.tick(now)

    def abort(self, now: float) -> list[Effect]:
        """End at once, and name what is lost."""
        if self.calls or self._delivery.outbox:
            self._effects.log(
                "aborted",
                logging.ERROR,
                unfinished=self.calls.ids,
                undelivered=self.unacknowledged,
            )
        self._end(None)
        return self._effects.take()

    def tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        if self._life.has_ended:
            return self._effects.take()
        if self._life.is_overdue(now):
            return self.abort(now)
        self._keep_up(now)
        self._delivery.tick(now, self._links)
        self._links.admit_calls(now, is_owing=bool(self._delivery.outbox))
        self._retire(now)
        self._finish(now)
        start = self._connector.begin(now)
        if start is not None:
            self._effects.add(start)
        return self._effects.take()

    # the API

    def started(self, now: float, body: bytes) -> list[Effect]:
        """The API has named a gateway."""
        if self._life.has_ended:
            return self._effects.take()
        named = parse(wire.StartResponse, body)
        if isinstance(named, Malformed):
            return self.start_failed(now, "the answer is no Inngest server's; check api_base_url")
        self._connector.accepted()
        if not named.gateway_endpoint or not named.connection_id:
            self._connector.include_all()
            return self.start_failed(now, "the answer names no gateway")
        match rewritten(named.gateway_endpoint, self._rewrite):
            case ConnectError() as error:
                self._end(error)
            case None:
                return self.start_failed(now, "the answer names a gateway by no URL of a WebSocket")
            case url:
                if self._is_api_encrypted and (host := readable_host(url)):
                    self._effects.log("gateway_without_tls", logging.WARNING, gateway=host)
                self._links.open(named, url, now)
        return self.tick(now)

    def start_failed(self, now: float, reason: str, retry_after: float = 0.0) -> list[Effect]:
        """The API did not name a gateway. Outages pass."""
        delay = self._connector.failed(now, retry_after)
        retry_in = round(delay, 3)
        self._effects.log("start_failed", logging.WARNING, reason=reason, retry_in=retry_in)
        return self.tick(now)

    def refused(self, now: float, status: int) -> list[Effect]:
        """The API does not accept the key."""
        error = self._connector.refused(now, status)
        if error is not None:
            self._end(error)
        else:
            self._effects.log("start_refused", logging.WARNING, status=status)
        return self.tick(now)

    # sockets

    def opened(self, now: float, link_id: int) -> list[Effect]:
        """The socket is open."""
        link = self._links.get(link_id)
        if link is not None:
            link.handshake.opened()
        return self.tick(now)

    def received(self, now: float, link_id: int, data: bytes | str) -> list[Effect]:
        """A frame came in."""
        link = self._links.get(link_id)
        if link is None:
            return self._effects.take()
        frame = decode(data)
        if isinstance(frame, Malformed):
            # What comes after a frame that cannot be read cannot be trusted either.
            self._fail(link, now, Failure(frame.reason, INVALID_DATA, "malformed frame"))
        elif not link.handshake.is_done or frame.kind == wire.SYNC_FAILED:
            self._shake_hands(link, frame, now)
        else:
            self._receive(link, frame, now)
        return self.tick(now)

    def closed(self, now: float, link_id: int, code: int, reason: str) -> list[Effect]:
        """The socket is closed, or could not be opened."""
        link = self._links.get(link_id)
        if link is None:
            return self._effects.take()
        if reason in CONFIGURATION and not self._life.has_connected:
            self._refuse(f"it closed the connection: {reason}")
        else:
            self._lose(link, now, reason or f"code {code}", code)
        return self.tick(now)

    # calls

    def replied(self, now: float, request_id: str, response: CommResponse) -> list[Effect]:
        """A call has been executed."""
        self._execution.answered(request_id, response, now)
        return self.tick(now)

    def flushed(self, now: float, request_id: str) -> list[Effect]:
        """A reply was delivered over HTTP."""
        self._delivery.flushed(request_id)
        return self.tick(now)

    def flush_failed(
        self, now: float, request_id: str, status: int, reason: str, retry_after: float = 0.0
    ) -> list[Effect]:
        """A reply could not be delivered over HTTP. Status 0: no answer came."""
        self._delivery.flush_failed(request_id, status, reason, now, retry_after)
        return self.tick(now)

    # messages

    def _shake_hands(self, link: Link, frame: Frame, now: float) -> None:
        # Who owes replies delivers them first: a server that has lost their calls in an outage
        # would have them executed once more.
        is_routable = not (self._life.is_closing or self._delivery.outbox)
        match link.handshake.receive(frame, is_routable=is_routable):
            case Introduce(data):
                self._effects.add(Send(link.id, data))
            case Ready(terms):
                self._links.connected(link, terms, now)
                self._execution.connected(terms, now)
                self._delivery.connected(now)
            case SyncRefused(code, message) if not self._life.has_connected:
                self._refuse(f"it refuses the functions: {message or code}")
            case SyncRefused(code, message):
                self._fail(link, now, Failure(f"sync failed: {message or code}"))
            case Leaving():
                self._fail(link, now, Failure("the gateway is closing"))
            case Ignored(kind):
                self._effects.log("ignored", logging.DEBUG, kind=kind)

    def _receive(self, link: Link, frame: Frame, now: float) -> None:
        payload = frame.payload
        if link.heartbeat is not None:
            link.heartbeat.heard()
        match payload:
            case wire.GatewayExecutorRequestData():
                self._execution.take(link, payload, now)
            case wire.WorkerReplyAckData():
                self._delivery.acknowledged(payload.request_id)
            case wire.WorkerRequestExtendLeaseAckData():
                self._execution.extended(payload)
            case None if frame.kind == wire.GATEWAY_HEARTBEAT:
                self._links.answered(link, now)
            case None if frame.kind == wire.GATEWAY_CLOSING:
                self._links.drain(link, now)
            case _:
                self._effects.log("ignored", logging.DEBUG, kind=name_of(frame.kind))

    # what one part means for another

    def _keep_up(self, now: float) -> None:
        """Have gateways know that we are there, and work on their calls."""
        for link in self._links:
            failure = link.tick(now, self._effects)
            if failure is not None:
                self._fail(link, now, failure)
            elif link.is_status_due(now):
                status = wire.WorkerStatusData(
                    in_flight_request_ids=self.calls.ids,
                    shutdown_requested=self._life.is_closing,
                )
                self._effects.send(link.id, wire.WORKER_STATUS, status)
        current = self._links.current
        if current is not None:
            self._execution.extend(current, now)

    def _retire(self, now: float) -> None:
        """Leave a gateway that asked for it, when another one is ready and all is answered."""
        for link in self._links.retiring:
            if not (self.calls.came_by(link.id) or self._delivery.waits_for(link.id)):
                self._links.leave(link, now)

    def _finish(self, now: float) -> None:
        """End, if that is wanted, when all is answered and delivered."""
        if not self._life.is_closing or self.calls or self._delivery.outbox:
            return
        self._connector.give_up()
        for link in self._links:
            self._links.leave(link, now)
        if not self._links:
            self._end(None)

    def _fail(self, link: Link, now: float, failure: Failure) -> None:
        """Give a connection up."""
        if not link.is_leaving:
            self._effects.add(Close(link.id, failure.code, failure.reason))
        self._lose(link, now, failure.why)

    def _lose(self, link: Link, now: float, why: str, code: int | None = None) -> None:
        """A connection is gone: what was sent on it has to be sent again."""
        self._links.lose(link, now, why, code)
        self._delivery.lost(link.id, now)

    def _refuse(self, why: str) -> None:
        self._end(
            ConnectRefusedError(
                f"the Inngest gateway does not accept this worker: {why}; correct the "
                "configuration of the apps and start it again"
            )
        )

    def _end(self, error: ConnectError | None) -> None:
        if not self._life.has_ended:
            self._links.cut()
            self._life.end(error)
