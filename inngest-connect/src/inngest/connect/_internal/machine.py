"""The worker's half of the protocol: bytes, answers and time in; effects out. Pure.

Every method takes the time, and returns what the shell has to do; ``next_due`` says when to
call ``tick``. It opens no socket, starts no thread, reads no clock, and never raises for
anything that came from outside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from google.protobuf.message import Message

from inngest.connect._internal.calls import Calls
from inngest.connect._internal.connector import Connector
from inngest.connect._internal.delivery import Delivery
from inngest.connect._internal.effects import (
    Close,
    Effect,
    Enter,
    Log,
    Open,
    Run,
    Send,
    Start,
    Stop,
)
from inngest.connect._internal.errors import (
    ConnectAuthenticationError,
    ConnectError,
    ConnectRefusedError,
)
from inngest.connect._internal.frames import Frame, Malformed, decode, encode, name_of, parse
from inngest.connect._internal.gateway_url import is_socket_url, readable_host
from inngest.connect._internal.handshake import (
    CONFIGURATION,
    Handshake,
    Ignored,
    Introduce,
    Leaving,
    Ready,
    SyncRefused,
)
from inngest.connect._internal.heartbeat import Heartbeat
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.leases import Leases
from inngest.connect._internal.link import Link
from inngest.connect._internal.messages import lease_extension, request_ack
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import Timing, agreed, parse_interval
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

NORMAL, INVALID_DATA = 1000, 1007
GOODBYE = "WORKER_SHUTDOWN"
MIN_STATUS_SECONDS = 2.0
"""A gateway leaves a worker that tells its status more often."""


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
        self._identity, self._rewrite = identity, rewrite
        self._is_api_encrypted = is_api_encrypted
        self._timing = timing or Timing()
        self._out: list[Effect] = []
        self._connector = Connector(authorizations, self._timing.reconnect, random)
        self._links: dict[int, Link] = {}
        self._next_link = 1
        self._leases, self._lease_interval = Leases(), self._timing.lease
        self._calls = Calls(identity.max_concurrency)
        self._delivery = Delivery(self._connector, self._timing, random, self._out)
        self._closing_until: float | None = None
        self._last_call_at: float | None = None
        self._was_ready = False
        self._stopped = False
        self._heard_at: float | None = None
        self.reconnects = 0
        self.state = ConnectionState.CLOSED

    # what is known

    @property
    def current(self) -> Link | None:
        """The connection that calls come by. From any thread."""
        ready = [link for link in list(self._links.values()) if link.is_current]
        return ready[-1] if ready else None

    @property
    def calls(self) -> Calls:
        """Calls that are not answered yet."""
        return self._calls

    @property
    def unacknowledged(self) -> int:
        """Replies that nobody has confirmed."""
        return len(self._delivery.outbox)

    @property
    def heard_at(self) -> float | None:
        """When a gateway last answered a heartbeat."""
        return self._heard_at

    @property
    def next_due(self) -> float | None:
        """When to call ``tick``."""
        if self._stopped:
            return None
        found = [link.next_due for link in self._links.values()]
        found += [self._connector.due, self._closing_until, self._delivery.next_due]
        if self.current is not None:
            found.append(self._leases.next_due)
        return min((due for due in found if due is not None), default=None)

    # the worker's life

    def start(self, now: float) -> list[Effect]:
        """Begin."""
        self._enter(ConnectionState.CONNECTING)
        self._connector.want(now)
        return self.tick(now)

    def close(self, now: float) -> list[Effect]:
        """Take no more calls, finish those that are here, and end."""
        if self._closing_until is None and not self._stopped:
            self._closing_until = now + self._timing.shutdown
            self._last_call_at = now + self._timing.goodbye
            for link in self._links.values():
                link.ready_due = None
            self._enter(ConnectionState.CLOSING)
            self._log("closing", running=self._calls.running, queued=self._calls.waiting)
            for link in self._links.values():
                if link.is_ready:
                    self._send(link, wire.WORKER_PAUSE)
        return self.tick(now)

    def abort(self, now: float) -> list[Effect]:
        """End at once, and name what is lost."""
        if self._calls or self._delivery.outbox:
            self._log(
                "aborted",
                logging.ERROR,
                unfinished=self._calls.ids,
                undelivered=len(self._delivery.outbox),
            )
        self._stop(None)
        return self._take()

    def tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        if not self._stopped:
            if self._closing_until is not None and self._closing_until <= now:
                return self.abort(now)
            for link in list(self._links.values()):
                self._tick_link(link, now)
            if self.current is not None:
                for request_id, lease_id in self._leases.due(now, self._lease_interval):
                    self._extend(request_id, lease_id)
            self._delivery.tick(now, self._links)
            self._open_up(now)
            self._retire(now)
            self._finish(now)
            if self._connector.begin(now):
                body = wire.StartRequest(exclude_gateways=self._connector.excluded)
                self._out.append(Start(body.SerializeToString(), self._connector.authorization))
        return self._take()

    # the API

    def started(self, now: float, body: bytes) -> list[Effect]:
        """The API has named a gateway."""
        answer = parse(wire.StartResponse, body)
        if isinstance(answer, Malformed):
            return self.start_failed(now, "the answer is no Inngest server's; check api_base_url")
        self._connector.accepted()
        if not answer.gateway_endpoint or not answer.connection_id:
            self._connector.include_all()
            return self.start_failed(now, "the answer names no gateway")
        try:
            url = self._rewrite(answer.gateway_endpoint)
        except Exception as error:
            self._stop(ConnectError(f"rewrite_gateway_endpoint raised {error!r}"))
            return self._take()
        if not is_socket_url(url):
            if url == answer.gateway_endpoint:
                return self.start_failed(now, "the answer names a gateway by no URL of a WebSocket")
            self._stop(
                ConnectError(
                    f"rewrite_gateway_endpoint gave {url!r}; a URL such as "
                    f"{answer.gateway_endpoint!r} is needed"
                )
            )
            return self._take()
        if self._is_api_encrypted and (host := readable_host(url)):
            self._log("gateway_without_tls", logging.WARNING, gateway=host)
        link = Link(
            id=self._next_link,
            connection_id=answer.connection_id,
            group=answer.gateway_group,
            handshake=Handshake(self._identity, answer),
            deadline=now + self._timing.handshake,
            log_fields={
                "connection_id": answer.connection_id,
                "gateway_group": answer.gateway_group,
            },
        )
        self._next_link += 1
        self._links[link.id] = link
        self._out.append(Open(link.id, url))
        return self.tick(now)

    def start_failed(self, now: float, reason: str, retry_after: float = 0.0) -> list[Effect]:
        """The API did not name a gateway. Outages pass."""
        delay = self._connector.failed(now, retry_after)
        self._log("start_failed", logging.WARNING, reason=reason, retry_in=round(delay, 3))
        return self.tick(now)

    def refused(self, now: float, status: int) -> list[Effect]:
        """The API does not accept the key."""
        if self._connector.refused(now):
            if self._connector.authorization is None:
                why = (
                    f"the Inngest server asks for a signing key (status {status}), and in dev mode "
                    "none is sent: leave INNGEST_DEV unset, and set INNGEST_SIGNING_KEY"
                )
            else:
                why = (
                    f"the Inngest server refuses the signing key (status {status}): check "
                    "INNGEST_SIGNING_KEY, INNGEST_SIGNING_KEY_FALLBACK and INNGEST_ENV"
                )
            self._stop(ConnectAuthenticationError(why))
            return self._take()
        self._log("start_refused", logging.WARNING, status=status)
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
        if link is None or self._stopped:
            return self._take()
        frame = decode(data)
        if isinstance(frame, Malformed):
            # What comes after a frame that cannot be read cannot be trusted either.
            self._fail_link(link, now, frame.reason, INVALID_DATA, "malformed frame")
        elif not link.handshake.is_done or frame.kind == wire.SYNC_FAILED:
            self._shake_hands(link, frame, now)
        else:
            self._receive(link, frame, now)
        return self.tick(now)

    def closed(self, now: float, link_id: int, code: int, reason: str) -> list[Effect]:
        """The socket is closed, or could not be opened."""
        link = self._links.get(link_id)
        if link is None:
            return self._take()
        if reason in CONFIGURATION and not self._was_ready:
            self._refuse(f"it closed the connection: {reason}")
            return self._take()
        self._lose(link, now, reason or f"code {code}", code=code)
        return self.tick(now)

    # calls

    def replied(self, now: float, request_id: str, response: CommResponse) -> list[Effect]:
        """A call has been executed."""
        call = self._calls.answered(request_id)
        if call is not None:
            self._leases.drop(request_id)
            self._delivery.add(call, response, now)
        self._run_waiting()
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

    # inside

    def _shake_hands(self, link: Link, frame: Frame, now: float) -> None:
        # Who owes replies delivers them first: a server that has lost their calls in an outage
        # would have them executed once more.
        is_routable = self._closing_until is None and not self._delivery.outbox
        step = link.handshake.receive(frame, is_routable=is_routable)
        match step:
            case Introduce(data):
                self._out.append(Send(link.id, data))
            case Ready(terms):
                self._welcome(link, terms, now)
            case SyncRefused(code, message) if not self._was_ready:
                self._refuse(f"it refuses the functions: {message or code}")
            case SyncRefused(code, message):
                self._fail_link(link, now, f"sync failed: {message or code}", NORMAL, GOODBYE)
            case Leaving():
                self._fail_link(link, now, "the gateway is closing", NORMAL, GOODBYE)
            case Ignored(kind):
                self._log("ignored", logging.DEBUG, kind=kind)

    def _welcome(self, link: Link, terms: wire.GatewayConnectionReadyData, now: float) -> None:
        link.deadline = None
        interval = agreed(terms.heartbeat_interval, self._timing.heartbeat)
        is_routable = link.handshake.is_routable
        link.heartbeat = Heartbeat(interval, now, is_answered=is_routable)
        self._lease_interval = agreed(terms.extend_lease_interval, self._timing.lease)
        status = parse_interval(terms.status_interval, 0)
        if status:
            link.status_interval = max(status, MIN_STATUS_SECONDS)
            link.status_due = now + link.status_interval
        for other in self._links.values():
            if other is not link:
                other.is_retiring = True
        self._was_ready = True
        self._connector.found()
        self._leases.hurry(now)
        self._delivery.connected(now)
        self._log("connected", **link.log_fields)
        if self._closing_until is None:
            if is_routable:
                self._enter(ConnectionState.ACTIVE)
            else:
                link.ready_due = now + self._timing.ack
        elif is_routable:  # it was not known yet when we introduced ourselves
            self._send(link, wire.WORKER_PAUSE)

    def _receive(self, link: Link, frame: Frame, now: float) -> None:
        payload = frame.payload
        if link.heartbeat is not None:
            link.heartbeat.heard()
        match payload:
            case wire.GatewayExecutorRequestData():
                self._take_call(link, payload, now)
            case wire.WorkerReplyAckData():
                self._delivery.acknowledged(payload.request_id)
            case wire.WorkerRequestExtendLeaseAckData():
                self._lease_answered(payload)
            case None if frame.kind == wire.GATEWAY_HEARTBEAT and link.heartbeat is not None:
                link.heartbeat.answered(now)
                self._heard_at = now
                if link.heartbeat.is_steady:
                    self._connector.lasted()
            case None if frame.kind == wire.GATEWAY_CLOSING:
                self._drain(link, now)
            case _:
                self._log("ignored", logging.DEBUG, kind=name_of(frame.kind))

    def _take_call(self, link: Link, request: wire.GatewayExecutorRequestData, now: float) -> None:
        request_id = request.request_id
        fields = {"request_id": request_id, "run_id": request.run_id,
                  "function": request.function_slug}  # fmt: skip
        if not request_id or request.app_name not in self._identity.app_ids:
            self._log("unknown_app", logging.WARNING, app=request.app_name, **fields)
            return
        is_known = request_id in self._calls or self._calls.was_answered(request_id)
        if link.is_leaving or (self._is_too_late(now) and not is_known):
            # It crossed our goodbye, or the gateway does not heed that we end. Nobody
            # acknowledges it, so others are sent it.
            self._log("ignored", logging.DEBUG, kind="a call after the goodbye", **fields)
            return
        self._send(link, wire.WORKER_REQUEST_ACK, request_ack(request))
        if is_known:
            # A gateway that did not hear us; what it wants is under way, or on its way.
            if request_id in self._calls and request.lease_id:  # the one before may be lost
                self._leases.take(request_id, request.lease_id, now + self._lease_interval)
            self._delivery.hurry(request_id, now)
            return
        self._log("call", logging.DEBUG, **fields)
        self._calls.take(request, link.id)
        self._leases.take(request_id, request.lease_id, now + self._lease_interval)
        self._run_waiting()

    def _is_too_late(self, now: float) -> bool:
        """Whether a gateway has had the time to hear that no more calls are taken."""
        return self._last_call_at is not None and self._last_call_at < now

    def _run_waiting(self) -> None:
        self._out += [Run(call.request) for call in self._calls.startable()]

    def _extend(self, request_id: str, lease_id: str) -> None:
        call, link = self._calls.get(request_id), self.current
        if call is None or link is None:
            self._leases.drop(request_id)
            return
        extension = lease_extension(call.request, lease_id)
        self._send(link, wire.WORKER_REQUEST_EXTEND_LEASE, extension)

    def _lease_answered(self, answer: wire.WorkerRequestExtendLeaseAckData) -> None:
        request_id = answer.request_id
        if answer.new_lease_id:
            self._leases.renewed(request_id, answer.new_lease_id)
        elif self._leases.drop(request_id):
            # Somebody else does it: what has not begun is not begun.
            has_begun = not self._calls.give_up_waiting(request_id)
            self._log("lease_lost", logging.WARNING, request_id=request_id, has_begun=has_begun)

    def _drain(self, link: Link, now: float) -> None:
        if link.is_retiring:
            return
        link.is_retiring = True
        self._log("gateway_closing", **link.log_fields)
        self._connector.exclude(link.group)
        if self._closing_until is None:
            self._enter(ConnectionState.RECONNECTING)
            self._connector.sent_away(now)

    def _open_up(self, now: float) -> None:
        """Let calls come, when what is owed is delivered, or takes too long."""
        link = self.current
        if link is None or link.ready_due is None or self._closing_until is not None:
            return
        if link.ready_due <= now or not self._delivery.outbox:
            link.ready_due = None
            self._send(link, wire.WORKER_READY)
            if link.heartbeat is not None:
                link.heartbeat.expect(now)
            self._enter(ConnectionState.ACTIVE)

    def _retire(self, now: float) -> None:
        """Leave a gateway that asked for it, when another one is ready and all is answered."""
        if self.current is None:
            return
        for link in [one for one in self._links.values() if one.is_retiring and one.is_ready]:
            if not (self._calls.came_by(link.id) or self._delivery.waits_for(link.id)):
                self._leave(link, now)

    def _finish(self, now: float) -> None:
        if self._closing_until is None or self._stopped:
            return
        if self._calls or self._delivery.outbox:
            if self._calls and not any(link.is_ready for link in self._links.values()):
                self._connector.want(now)  # leases are extended over a connection only
            return
        self._connector.give_up()
        for link in list(self._links.values()):
            self._leave(link, now)
        if not self._links:
            self._stop(None)

    def _leave(self, link: Link, now: float) -> None:
        if not link.is_leaving:
            link.is_leaving, link.deadline = True, now + self._timing.goodbye
            self._out.append(Close(link.id, NORMAL, GOODBYE))

    def _tick_link(self, link: Link, now: float) -> None:
        if link.deadline is not None and link.deadline <= now:
            reason = "no goodbye" if link.is_leaving else "no handshake in time"
            self._fail_link(link, now, reason, NORMAL, GOODBYE)
        elif link.is_ready and link.heartbeat is not None:
            if link.heartbeat.due <= now:
                if link.heartbeat.beat(now):
                    self._send(link, wire.WORKER_HEARTBEAT)
                else:
                    missed = "CONSECUTIVE_HEARTBEATS_MISSED"
                    self._fail_link(link, now, "the gateway is silent", NORMAL, missed)
            if link.status_due is not None and link.status_due <= now:
                link.status_due = now + link.status_interval
                status = wire.WorkerStatusData(
                    in_flight_request_ids=self._calls.ids,
                    shutdown_requested=self._closing_until is not None,
                )
                self._send(link, wire.WORKER_STATUS, status)

    def _fail_link(self, link: Link, now: float, why: str, code: int, reason: str) -> None:
        if not link.is_leaving:
            self._out.append(Close(link.id, code, reason))
        self._lose(link, now, why)

    def _lose(self, link: Link, now: float, why: str, code: int | None = None) -> None:
        """A connection is gone, whoever ended it."""
        del self._links[link.id]
        self._delivery.lost(link.id, now)
        if link.is_leaving:
            return
        was_looking = not link.handshake.is_done
        self.reconnects += not was_looking
        level = logging.INFO if link.is_retiring else logging.WARNING
        self._log("disconnected", level, reason=why, code=code, **link.log_fields)
        if self.current is not None or self._stopped:
            return
        if self._closing_until is None:
            self._connector.exclude(link.group)
            if self._was_ready:
                self._enter(ConnectionState.RECONNECTING)
        # One that was asked to leave has a search under way already.
        if was_looking or not (self._connector.is_busy or self._connector.due is not None):
            self._connector.failed(now)

    def _refuse(self, why: str) -> None:
        self._stop(
            ConnectRefusedError(
                f"the Inngest gateway does not accept this worker: {why}; correct the "
                "configuration of the apps and start it again"
            )
        )

    def _stop(self, error: ConnectError | None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._out += [Close(link.id, NORMAL, GOODBYE) for link in self._links.values()]
        self._links.clear()
        self._enter(ConnectionState.CLOSED)
        self._log("stopped", logging.INFO if error is None else logging.ERROR, error=error)
        self._out.append(Stop(error))

    def _send(
        self, link: Link, kind: wire.GatewayMessageType, payload: Message | None = None
    ) -> None:
        self._out.append(Send(link.id, encode(kind, payload)))

    def _enter(self, state: ConnectionState) -> None:
        if self.state is not state:
            self.state = state
            self._out.append(Enter(state))

    def _log(self, event: str, level: int = logging.INFO, /, **fields: object) -> None:
        self._out.append(Log(event, level, fields))

    def _take(self) -> list[Effect]:
        taken = self._out[:]
        self._out.clear()
        return taken
