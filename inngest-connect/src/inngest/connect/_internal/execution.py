"""Calls in flight: acknowledge, lease, execute, and hand over for delivery. Pure.

A call that is received again is acknowledged but not executed again: its reply is sent, now or
when it has finished.
"""

from __future__ import annotations

import logging

from inngest.connect._internal.calls import Calls
from inngest.connect._internal.delivery import Delivery
from inngest.connect._internal.effects import Effects, Run
from inngest.connect._internal.identity import Identity
from inngest.connect._internal.leases import Leases
from inngest.connect._internal.link import Link
from inngest.connect._internal.messages import lease_extension, request_ack
from inngest.connect._internal.timing import Timing, effective_interval
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse


class Execution:
    """The calls in flight and their leases."""

    def __init__(
        self, identity: Identity, delivery: Delivery, timing: Timing, effects: Effects
    ) -> None:
        self._app_ids, self._delivery = identity.app_ids, delivery
        self._timing, self._effects = timing, effects
        self._leases, self._lease_interval = Leases(), timing.lease
        self._grace_until: float | None = None
        self.calls = Calls(identity.max_concurrency)

    @property
    def next_due(self) -> float | None:
        """When the next lease is to be extended. Only of use while there is a connection."""
        return self._leases.next_due

    def receive(self, link: Link, request: wire.GatewayExecutorRequestData, now: float) -> None:
        """Handle a call from a gateway."""
        request_id = request.request_id
        fields = {"request_id": request_id, "run_id": request.run_id,
                  "function": request.function_slug}  # fmt: skip
        if not request_id or request.app_name not in self._app_ids:
            self._effects.log("unknown_app", logging.WARNING, app=request.app_name, **fields)
            return
        is_known = request_id in self.calls or self.calls.has_finished(request_id)
        if link.is_closing or (self._is_grace_over(now) and not is_known):
            # The worker has closed this connection, or announced its shutdown long ago. As the
            # call is not acknowledged, the server gives it to another worker.
            kind = "a call after the shutdown"
            self._effects.log("ignored", logging.DEBUG, kind=kind, **fields)
            return
        self._effects.send(link.id, wire.WORKER_REQUEST_ACK, request_ack(request))
        if is_known:
            self._handle_duplicate(request, now)
            return
        self._effects.log("call", logging.DEBUG, **fields)
        self.calls.add(request, link.id)
        self._leases.add(request_id, request.lease_id, now + self._lease_interval)
        self._run_waiting()

    def finish(self, request_id: str, response: CommResponse, now: float) -> None:
        """Finish a call, and start the next one that waits."""
        call = self.calls.finish(request_id)
        if call is not None:
            self._leases.drop(request_id)
            self._delivery.add(call, response, now)
        self._run_waiting()

    def extend(self, link: Link, now: float) -> None:
        """Request the lease extensions that are due."""
        for request_id, lease_id in self._leases.due(now, self._lease_interval):
            call = self.calls.get(request_id)
            if call is not None:
                extension = lease_extension(call.request, lease_id)
                self._effects.send(link.id, wire.WORKER_REQUEST_EXTEND_LEASE, extension)

    def extended(self, answer: wire.WorkerRequestExtendLeaseAckData) -> None:
        """Handle the answer to a lease extension. Without a new id, the lease is lost.

        Another worker may then execute the call, so it is discarded if it has not started.
        """
        request_id = answer.request_id
        if answer.new_lease_id:
            self._leases.renew(request_id, answer.new_lease_id)
        elif self._leases.drop(request_id):
            has_begun = not self.calls.discard_waiting(request_id)
            self._effects.log(
                "lease_lost", logging.WARNING, request_id=request_id, has_begun=has_begun
            )

    def connected(self, terms: wire.GatewayConnectionReadyData, now: float) -> None:
        """Adopt a new gateway's lease interval, and extend all leases through it now."""
        self._lease_interval = effective_interval(terms.extend_lease_interval, self._timing.lease)
        self._leases.expedite(now)

    def close(self, now: float) -> None:
        """Reject new calls, after a grace period in which the gateway receives WORKER_PAUSE."""
        self._grace_until = now + self._timing.closing

    def _is_grace_over(self, now: float) -> bool:
        """Whether the grace period for calls that were under way at shutdown is over."""
        return self._grace_until is not None and self._grace_until < now

    def _handle_duplicate(self, request: wire.GatewayExecutorRequestData, now: float) -> None:
        """Handle a duplicate: adopt its lease if the call is unfinished, or resend the reply."""
        request_id = request.request_id
        if request_id in self.calls and request.lease_id:  # the old lease may be lost
            self._leases.add(request_id, request.lease_id, now + self._lease_interval)
        self._delivery.resend(request_id, now)

    def _run_waiting(self) -> None:
        for call in self.calls.start_waiting():
            self._effects.add(Run(call.request))
