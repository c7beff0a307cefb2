"""The state machine of a worker: frames, results and time in; effects out. Pure.

Every input method takes the current time and returns the effects to perform; ``next_due`` says
when to call ``tick``. The machine does no I/O, reads no clock, and never raises for anything
received from outside.

This module has the inputs, and the rules that involve several parts. Each part owns its state:

- ``connector``: when to request a gateway, and with which key;
- ``links``: the connections, one of which is current;
- ``execution``: calls in flight, and their leases;
- ``delivery``: replies, until the server has acknowledged them;
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
from inngest.connect._internal.gateway_url import rewritten, unencrypted_host
from inngest.connect._internal.handshake import (
    FATAL_CLOSE_REASONS,
    GatewayClosing,
    Ignored,
    Ready,
    SendConnect,
    SyncFailed,
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
    """The state machine of one worker.

    :param random: returns numbers from 0 to 1.
    :param authorizations: the ``authorization`` headers to try, in order.
    :param rewrite: takes a gateway's URL and returns the one to connect to.
    :param is_api_encrypted: whether the API is reached over TLS; gateways without are logged.
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

    # observable state

    @property
    def state(self) -> ConnectionState:
        """The worker's state."""
        return self._life.state

    @property
    def current(self) -> Link | None:
        """The connection for calls. Thread-safe."""
        return self._links.current

    @property
    def reconnects(self) -> int:
        """The number of connections that were lost after they were ready."""
        return self._links.reconnects

    @property
    def calls(self) -> Calls:
        """The unfinished calls."""
        return self._execution.calls

    @property
    def unacknowledged(self) -> int:
        """The number of replies that the server has not acknowledged."""
        return len(self._delivery.outbox)

    @property
    def last_heartbeat_at(self) -> float | None:
        """When a gateway last answered a heartbeat."""
        return self._links.last_heartbeat_at

    @property
    def next_due(self) -> float | None:
        """When to call ``tick`` next."""
        if self._life.has_ended:
            return None
        return earliest(
            self._life.close_deadline,
            self._connector.due,
            self._links.next_due,
            self._delivery.next_due,
            None if self._links.current is None else self._execution.next_due,
        )

    # lifecycle

    def start(self, now: float) -> list[Effect]:
        """Start to connect."""
        self._life.begin()
        self._connector.request(now)
        return self.tick(now)

    def close(self, now: float) -> list[Effect]:
        """Accept no more calls, finish those already received, and end."""
        if not (self._life.is_closing or self._life.has_ended):
            self._life.close(now + self._timing.shutdown)
            self._effects.log("closing", running=self.calls.running, queued=self.calls.waiting)
            self._execution.close(now)
            self._links.pause()
        return self.tick(now)

    def abort(self, now: float) -> list[Effect]:
        """End at once, and log the calls and replies that are lost."""
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
        """Do everything that is due."""
        if self._life.has_ended:
            return self._effects.take()
        if self._life.is_overdue(now):
            return self.abort(now)
        self._send_due(now)
        self._delivery.tick(now, self._links)
        self._links.admit_calls(now, has_pending_replies=bool(self._delivery.outbox))
        self._close_retiring(now)
        self._finish_shutdown(now)
        start = self._connector.begin(now)
        if start is not None:
            self._effects.add(start)
        return self._effects.take()

    # API responses

    def started(self, now: float, body: bytes) -> list[Effect]:
        """Handle a StartResponse: connect to the gateway that it names."""
        if self._life.has_ended:
            return self._effects.take()
        named = parse(wire.StartResponse, body)
        if isinstance(named, Malformed):
            reason = "the response is not from an Inngest server; check api_base_url"
            return self.start_failed(now, reason)
        self._connector.accepted()
        if not named.gateway_endpoint or not named.connection_id:
            self._connector.include_all()
            return self.start_failed(now, "the response names no gateway")
        match rewritten(named.gateway_endpoint, self._rewrite):
            case ConnectError() as error:
                self._end(error)
            case None:
                return self.start_failed(now, "the gateway's URL is not a valid WebSocket URL")
            case url:
                if self._is_api_encrypted and (host := unencrypted_host(url)):
                    self._effects.log("gateway_without_tls", logging.WARNING, gateway=host)
                self._links.open(named, url, now)
        return self.tick(now)

    def start_failed(self, now: float, reason: str, retry_after: float = 0.0) -> list[Effect]:
        """Schedule another attempt after the API did not name a gateway."""
        delay = self._connector.failed(now, retry_after)
        retry_in = round(delay, 3)
        self._effects.log("start_failed", logging.WARNING, reason=reason, retry_in=retry_in)
        return self.tick(now)

    def refused(self, now: float, status: int) -> list[Effect]:
        """Handle an API response that rejects the signing key."""
        error = self._connector.refused(now, status)
        if error is not None:
            self._end(error)
        else:
            self._effects.log("start_refused", logging.WARNING, status=status)
        return self.tick(now)

    # sockets

    def opened(self, now: float, link_id: int) -> list[Effect]:
        """Handle the opening of a socket."""
        link = self._links.get(link_id)
        if link is not None:
            link.handshake.opened()
        return self.tick(now)

    def received(self, now: float, link_id: int, data: bytes | str) -> list[Effect]:
        """Handle a frame."""
        link = self._links.get(link_id)
        if link is None:
            return self._effects.take()
        frame = decode(data)
        if isinstance(frame, Malformed):
            # After a malformed frame, the rest of the stream cannot be trusted.
            self._fail(link, now, Failure(frame.reason, INVALID_DATA, "malformed frame"))
        elif not link.handshake.is_done or frame.kind == wire.SYNC_FAILED:
            self._handle_handshake(link, frame, now)
        else:
            self._handle_message(link, frame, now)
        return self.tick(now)

    def closed(self, now: float, link_id: int, code: int, reason: str) -> list[Effect]:
        """Handle the end of a socket, or the failure to open it."""
        link = self._links.get(link_id)
        if link is None:
            return self._effects.take()
        if reason in FATAL_CLOSE_REASONS and not self._life.has_connected:
            self._end_rejected(f"it closed the connection: {reason}")
        else:
            self._remove(link, now, reason or f"code {code}", code)
        return self.tick(now)

    # calls

    def replied(self, now: float, request_id: str, response: CommResponse) -> list[Effect]:
        """Handle the response of an executed call."""
        self._execution.finish(request_id, response, now)
        return self.tick(now)

    def flushed(self, now: float, request_id: str) -> list[Effect]:
        """Handle a successful flush."""
        self._delivery.flushed(request_id)
        return self.tick(now)

    def flush_failed(
        self, now: float, request_id: str, status: int, reason: str, retry_after: float = 0.0
    ) -> list[Effect]:
        """Handle a failed flush. ``status`` is 0 if there was no response."""
        self._delivery.flush_failed(request_id, status, reason, now, retry_after)
        return self.tick(now)

    # messages

    def _handle_handshake(self, link: Link, frame: Frame, now: float) -> None:
        # Pending replies are delivered before new calls are accepted: a server that lost track of
        # their calls in an outage would otherwise send them again.
        is_routable = not (self._life.is_closing or self._delivery.outbox)
        match link.handshake.receive(frame, is_routable=is_routable):
            case SendConnect(data):
                self._effects.add(Send(link.id, data))
            case Ready(terms):
                self._links.connected(link, terms, now)
                self._execution.connected(terms, now)
                self._delivery.connected(now)
            case SyncFailed(code, message) if not self._life.has_connected:
                self._end_rejected(f"it rejected the functions: {message or code}")
            case SyncFailed(code, message):
                self._fail(link, now, Failure(f"sync failed: {message or code}"))
            case GatewayClosing():
                self._fail(link, now, Failure("the gateway is closing"))
            case Ignored(kind):
                self._effects.log("ignored", logging.DEBUG, kind=kind)

    def _handle_message(self, link: Link, frame: Frame, now: float) -> None:
        payload = frame.payload
        if link.heartbeat is not None:
            link.heartbeat.reset()
        match payload:
            case wire.GatewayExecutorRequestData():
                self._execution.receive(link, payload, now)
            case wire.WorkerReplyAckData():
                self._delivery.acknowledged(payload.request_id)
            case wire.WorkerRequestExtendLeaseAckData():
                self._execution.extended(payload)
            case None if frame.kind == wire.GATEWAY_HEARTBEAT:
                self._links.heartbeat_answered(link, now)
            case None if frame.kind == wire.GATEWAY_CLOSING:
                self._links.retire(link, now)
            case _:
                self._effects.log("ignored", logging.DEBUG, kind=name_of(frame.kind))

    # interactions between the parts

    def _send_due(self, now: float) -> None:
        """Send the heartbeats, status messages and lease extensions that are due."""
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

    def _close_retiring(self, now: float) -> None:
        """Close retiring connections whose calls are finished and whose replies acknowledged."""
        for link in self._links.retiring:
            if not (self.calls.any_from(link.id) or self._delivery.awaits_ack_on(link.id)):
                self._links.close(link, now)

    def _finish_shutdown(self, now: float) -> None:
        """Complete a shutdown when all calls are finished and all replies are delivered."""
        if not self._life.is_closing or self.calls or self._delivery.outbox:
            return
        self._connector.cancel()
        for link in self._links:
            self._links.close(link, now)
        if not self._links:
            self._end(None)

    def _fail(self, link: Link, now: float, failure: Failure) -> None:
        """Close a connection because of a failure, and remove it."""
        if not link.is_closing:
            self._effects.add(Close(link.id, failure.code, failure.reason))
        self._remove(link, now, failure.cause)

    def _remove(self, link: Link, now: float, cause: str, code: int | None = None) -> None:
        """Remove a connection, and deliver its unacknowledged replies by another path."""
        self._links.remove(link, now, cause, code)
        self._delivery.connection_lost(link.id, now)

    def _end_rejected(self, cause: str) -> None:
        self._end(
            ConnectRefusedError(
                f"the Inngest gateway rejected this worker: {cause}; correct the configuration of "
                "the apps and start it again"
            )
        )

    def _end(self, error: ConnectError | None) -> None:
        if not self._life.has_ended:
            self._links.close_all()
            self._life.end(error)
