"""The workers that are connected, the calls that they execute, and which worker gets the next one.

A worker that has got a call has a lease for it, which it extends as long as it works on the call,
over whatever connection. A call fails when its lease ends, or when the connection ends before the
worker has acknowledged the call. A reply that comes after that, or from a call that an earlier
engine has sent, still counts, as long as the job is not done.

Limits: all gateways are in this process, and leases are measured by the time of its loop, not by
the engine's clock.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from inngest.connect.protocol import wire
from inngest.dev._internal.clock import wait_for_event
from inngest.dev._internal.connect.session import CLOSING, Ended, Session, Socket
from inngest.dev._internal.connect.terms import Terms
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.model.ids import ACCOUNT, ENVIRONMENT, dispatch_of, new_ulid, stable_uuid
from inngest.dev._internal.model.ids import request_id as new_request_id
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Item, Json
from inngest.dev._internal.protocol.answer import Answer, read_answer, transport_error
from inngest.dev._internal.protocol.call import Call

_log = logging.getLogger("inngest.dev")
_APP_URL = "wss://connect"
_STATUSES = {wire.DONE: 200, wire.NOT_COMPLETED: 206}
_MOST_UNANSWERED = 4096
"""How many calls without an answer are remembered: the oldest are forgotten."""
Register = Callable[[Json], "dict[str, Json] | Refusal"]
Fits = Callable[[Item], bool]
Settle = Callable[[str, Fits, Answer], None]
"""Takes an answer to a call of a run that is not under way, for the job that fits."""


@dataclass(slots=True)
class Pending:
    """A call that was sent to a worker, and is not answered."""

    request: wire.GatewayExecutorRequestData
    session: Session
    answer: asyncio.Future[Answer]
    expires: float
    """When the lease ends, by the time of the loop."""
    leases: list[str]
    """The latest ids of its lease, the newest last. A worker may not have got the newest yet."""
    is_acknowledged: bool = False


@dataclass(slots=True)
class Gateways:
    """The names of the gateways that are open."""

    open: list[str] = field(default_factory=lambda: ["gw-dev"])
    made: int = 1

    def pick(self, excluded: set[str]) -> str:
        """A gateway to connect to: not an excluded one, if there is another."""
        if not self.open:
            self.made += 1
            self.open.append(f"gw-dev-{self.made}")
        wanted = [name for name in self.open if name not in excluded]
        return (wanted or self.open)[0]


class Hub:
    """All methods belong to the engine's loop."""

    def __init__(
        self,
        register: Register,
        now: Callable[[], int],
        settle: Settle,
        terms: Terms | None = None,
    ) -> None:
        self._register, self._now, self._settle = register, now, settle
        self.terms: Terms = terms or Terms()
        self.sessions: list[Session] = []
        self.gateways: Gateways = Gateways()
        self._pending: dict[str, Pending] = {}
        self._calls: dict[str, asyncio.Future[Answer]] = {}
        """The calls under way, by job: they wait for a worker, or for its answer."""
        self._unanswered: OrderedDict[str, str] = OrderedDict()
        """The jobs of calls that were not answered, failed ones too, by `dispatch_of` their id."""
        self._tokens: dict[str, float] = {}
        self._change = asyncio.Event()
        self._drains: set[asyncio.Task[None]] = set()
        self._next = 0
        self._is_closed = False

    # what workers ask for over HTTP

    def start(
        self, request: wire.StartRequest, origin: str, authorization: str = ""
    ) -> wire.StartResponse:
        """Name a gateway to connect to."""
        now = _time()
        self._tokens = {token: until for token, until in self._tokens.items() if until > now}
        token = secrets.token_urlsafe(24)
        self._tokens[token] = now + self.terms.token
        group = self.gateways.pick(set(request.exclude_gateways))
        return wire.StartResponse(
            connection_id=new_ulid(self._now()),
            gateway_endpoint=f"{origin}/v0/connect?gateway={group}",
            gateway_group=group,
            session_token=token,
            sync_token=authorization.removeprefix("Bearer "),
        )

    # what sessions tell

    def is_genuine(self, hello: wire.WorkerConnectRequestData) -> bool:
        return self._tokens.get(hello.auth_data.session_token, 0) > _time()

    def sync(self, hello: wire.WorkerConnectRequestData) -> wire.SystemError | None:
        for app in hello.apps:
            body: Json = {
                "appName": app.app_name,
                "url": _APP_URL,
                "sdk": f"{hello.sdk_language}:{hello.sdk_version}",
                "functions": decode(app.functions),
            }
            outcome = self._register(body)
            if isinstance(outcome, Refusal):
                return wire.SystemError(message=outcome.message)
        return None

    def acknowledged(self, request_id: str) -> None:
        pending = self._pending.get(request_id)
        if pending is not None:
            pending.is_acknowledged = True

    def extended(self, session: Session, request: wire.WorkerRequestExtendLeaseData) -> str | None:
        pending = self._pending.get(request.request_id)
        if pending is None or request.lease_id not in pending.leases:
            return None
        if request.lease_id == pending.leases[-1]:
            pending.leases = [*pending.leases[-7:], new_ulid(self._now())]
        pending.expires = _time() + self.terms.lease
        pending.is_acknowledged = True
        if pending.session is not session:
            pending.session.calls.discard(request.request_id)
            session.calls.add(request.request_id)
            pending.session = session
        return pending.leases[-1]

    def answered(self, reply: wire.SDKResponse) -> None:
        """Take a worker's answer, even if its call has failed meanwhile. The first one counts."""
        pending, dispatch = self._pending.get(reply.request_id), dispatch_of(reply.request_id)
        if pending is not None and pending.answer.done():
            return
        job_id = self._unanswered.pop(dispatch, None)
        under_way = None if job_id is None else self._calls.get(job_id)
        if under_way is None:

            def fits(item: Item) -> bool:
                if job_id is not None:
                    return item.job_id == job_id
                return dispatch_of(new_request_id(item.job_id, item.generation, 0)) == dispatch

            self._settle(reply.run_id, fits, self._read(reply))
        elif not under_way.done():
            under_way.set_result(self._read(reply))
            self.changed()

    def _read(self, reply: wire.SDKResponse) -> Answer:
        headers = {
            "x-inngest-sdk": reply.sdk_version or "unknown",
            "x-inngest-req-version": str(reply.request_version),
        }
        if reply.no_retry:
            headers["x-inngest-no-retry"] = "true"
        if reply.HasField("retry_after"):
            headers["retry-after"] = reply.retry_after
        status = _STATUSES.get(reply.status, 500)
        return read_answer(status, headers, reply.body, self._now())

    def changed(self) -> None:
        """Wake the calls that wait for a worker: one has come, or has room again."""
        self._change.set()

    # sockets

    def enter(self, socket: Socket, group: str) -> Session:
        """Take in a socket that was opened.

        :raises Ended: there is no such gateway, or it is closing.
        """
        if group not in self.gateways.open:
            raise Ended(*CLOSING)
        session = Session(socket, group, self, self.terms, asyncio.get_running_loop().time)
        self.sessions.append(session)
        return session

    def leave(self, session: Session) -> None:
        """Let go of a socket that was closed. Calls that its worker has not acknowledged fail."""
        self.sessions.remove(session)
        session.is_closing = True
        for request_id in list(session.calls):
            pending = self._pending.get(request_id)
            if pending is not None and not (pending.is_acknowledged or self._is_closed):
                self._lose(pending, "the worker's connection ended before it took the call")
        self.changed()

    async def drain(self, group: str) -> None:
        """Close a gateway: ask its workers to reconnect to another, and later disconnect the rest."""
        if group in self.gateways.open:
            self.gateways.open.remove(group)
        leaving = [session for session in self.sessions if session.group == group]
        for session in leaving:
            session.is_closing = True
            await session.send(wire.GATEWAY_CLOSING)
        task = asyncio.get_running_loop().create_task(self._force(group))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _force(self, group: str) -> None:
        await asyncio.sleep(self.terms.drain)
        for session in [one for one in self.sessions if one.group == group]:
            await session.close(*CLOSING)

    async def close(self) -> None:
        """Send all workers away. Calls under way do not fail: the next start makes them again."""
        self._is_closed = True
        self.gateways.open.clear()
        for session in self.sessions:
            session.is_closing = True
        drains = list(self._drains)
        for task in drains:
            task.cancel()
        if drains:
            await asyncio.wait(drains)
        leaving = [asyncio.ensure_future(_send_away(session)) for session in self.sessions]
        if leaving:
            await asyncio.wait(leaving, timeout=self.terms.goodbye)
        for one in leaving:
            one.cancel()

    # calls

    async def call(self, call: Call) -> Answer:
        """Have a worker execute a call, and return its answer."""
        job_id, request_id = call.headers["x-inngest-job-id"], call.headers["x-request-id"]
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._calls[job_id] = answer
        self._unanswered[dispatch_of(request_id)] = job_id
        if len(self._unanswered) > _MOST_UNANSWERED:
            self._unanswered.popitem(last=False)
        try:
            return await self._make(call, answer)
        finally:
            del self._calls[job_id]

    async def _make(self, call: Call, answer: asyncio.Future[Answer]) -> Answer:
        query = parse_qs(urlsplit(call.url).query)
        function_id, step_id = query["fnId"][0], query["stepId"][0]
        session = await self._route(function_id, answer)
        if answer.done():
            return answer.result()
        if session is None:
            return transport_error("Could not find a healthy connection")
        app, lease_id = session.functions[function_id], new_ulid(self._now())
        request = _request(call, function_id, step_id, app, lease_id)
        pending = Pending(
            request,
            session,
            answer,
            _time() + self.terms.lease,
            [request.lease_id],
        )
        self._pending[request.request_id] = pending
        session.calls.add(request.request_id)
        try:
            await session.send(wire.GATEWAY_EXECUTOR_REQUEST, request)
            return await self._answer(pending)
        finally:
            del self._pending[request.request_id]
            pending.session.calls.discard(request.request_id)
            self.changed()

    async def _answer(self, pending: Pending) -> Answer:
        while not pending.answer.done():
            left = pending.expires - _time()
            if left <= 0:
                self._lose(pending, "the worker did not extend its lease")
                break
            await asyncio.wait([pending.answer], timeout=left)
        return pending.answer.result()

    def _lose(self, pending: Pending, why: str) -> None:
        if not pending.answer.done():
            _log.warning("connect: call %s is lost: %s", pending.request.request_id, why)
            pending.answer.set_result(transport_error(why))

    async def _route(self, function_id: str, answer: asyncio.Future[Answer]) -> Session | None:
        """The worker of this function with the fewest calls; None if there is no healthy one.

        Waits while all healthy ones are full, and for a while when all are leaving: others may
        come. Returns None, too, when the call is answered meanwhile. While the gateway stops it
        does not return: the call has not failed, and is cancelled with the engine.
        """
        until = _time() + self.terms.patience
        while not answer.done():
            known = [one for one in self.sessions if function_id in one.functions]
            healthy = [one for one in known if one.is_healthy]
            free = [one for one in healthy if one.has_room]
            if free:
                self._next += 1
                turn = self._next % len(free)
                return min(free[turn:] + free[:turn], key=lambda one: len(one.calls))
            is_leaving = any(one.is_closing for one in known) and _time() < until
            if not (healthy or is_leaving or self._is_closed):
                return None
            self._change.clear()
            await wait_for_event(self._change, min(1.0, self.terms.patience))
        return None


async def _send_away(session: Session) -> None:
    await session.send(wire.GATEWAY_CLOSING)
    await session.close(*CLOSING)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _request(
    call: Call, function_id: str, step_id: str, app: str, lease_id: str
) -> wire.GatewayExecutorRequestData:
    traceparent = json.dumps({"traceparent": call.headers["traceparent"]}).encode()
    return wire.GatewayExecutorRequestData(
        request_id=call.headers["x-request-id"],
        account_id=ACCOUNT,
        env_id=ENVIRONMENT,
        app_id=stable_uuid("app", app),
        app_name=app,
        function_id=stable_uuid(app, function_id),
        function_slug=function_id,
        step_id=step_id,
        request_payload=call.body,
        system_trace_ctx=traceparent,
        user_trace_ctx=traceparent,
        run_id=call.headers["x-run-id"],
        lease_id=lease_id,
        job_id=call.headers["x-inngest-job-id"],
    )
