"""Call apps in this process, without sockets: for tests. The requests are those of HTTP."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from inngest.dev._internal.drivers.signing import signed
from inngest.dev._internal.drivers.staggering import Stagger
from inngest.dev._internal.model.values import DISCOVERY
from inngest.dev._internal.protocol.answer import Answer, transport_error
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.protocol.canonical import canonical
from inngest.transport import CommRequest, CommResponse

_UNKNOWN = "function_not_found"


class Handles(Protocol):
    """What answers requests: :class:`inngest.transport.Handler`, or what wraps one."""

    async def handle_async(self, request: CommRequest) -> CommResponse: ...


class InProcessDriver:
    """Answers the engine's calls by handlers: of several, by the one that knows the function.

    Whatever URL an app registered is its handler's.
    """

    def __init__(self, *handlers: Handles, signing_key: str | None = None) -> None:
        if not handlers:
            raise ValueError("InProcessDriver needs at least one handler")
        self._handlers, self._signing_key = handlers, signing_key
        self._known: dict[str, Handles] = {}
        self._stagger = Stagger()

    async def call(self, call: Call, *, now: int) -> Answer:
        headers = signed(self._signing_key, call.headers, call.body)
        request = _request(call.method, call.url, headers, call.body)
        if request.query.get("stepId", DISCOVERY) == DISCOVERY:
            return await self._call(call, request)
        # A call of one step of a group replays all branches of it, and as many such calls come
        # at once: see `staggering`.
        async with self._stagger.call():
            return await self._call(call, request)

    async def _call(self, call: Call, request: CommRequest) -> Answer:
        function_id = request.query.get("fnId", "")
        known = self._known.get(function_id)
        response: CommResponse | None = None
        for handler in [known] if known is not None else self._handlers:
            try:
                response = await handler.handle_async(request)
            except (Exception, GeneratorExit) as error:  # as a connection that breaks
                return transport_error(f"cannot call {call.url}: {type(error).__name__}: {error}")
            if len(self._handlers) == 1 or not _is_unknown(response):
                self._known[function_id] = handler
                break
        assert response is not None
        answered = {name.lower(): value for name, value in response.headers.items()}
        # An app that names a point in time for its next attempt counts from the real time.
        answered_at = time.time_ns() // 1_000_000
        return call.read(response.status, answered, response.body, answered_at)

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        """Ask every app to register; the first failure, else the last answer."""
        body = canonical({"url": url})
        headers = {"content-type": "application/json", "x-inngest-server-kind": kind}
        request = _request("PUT", url, signed(self._signing_key, headers, body), body)
        status, text = 0, ""
        for handler in self._handlers:
            response = await handler.handle_async(request)
            status, text = response.status, response.body.decode("utf-8", "replace")[:4096]
            if status != 200:
                break
        return status, text

    async def close(self) -> None:
        self._known.clear()
        self._stagger = Stagger()  # the next loop's


def _request(method: str, url: str, headers: dict[str, str], body: bytes) -> CommRequest:
    host, query = _read_url(url)
    sent = {"host": host, "content-length": str(len(body)), **headers}
    return CommRequest(method=method, url=url, headers=sent, query=dict(query), body=body)


@lru_cache(maxsize=1024)
def _read_url(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parts = urlsplit(url)
    return parts.netloc, tuple(parse_qsl(parts.query, keep_blank_values=True))


def _is_unknown(response: CommResponse) -> bool:
    if response.status < 400:
        return False
    try:
        body = json.loads(response.body)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("code") == _UNKNOWN
