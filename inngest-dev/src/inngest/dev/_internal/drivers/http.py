"""Call apps over HTTP, and ask them to register."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from inngest.dev._internal.drivers.signing import signed
from inngest.dev._internal.protocol.answer import MAX_ANSWER, Answer, transport_error
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.protocol.canonical import canonical

_CALL_TIMEOUT = 2 * 60 * 60.0
_SYNC_TIMEOUT = 30.0
_MAX_REDIRECTS = 60
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, OverflowError, ValueError)
"""The last two come of URLs and headers that apps have given, and that cannot be sent."""
MAX_SYNC_ANSWER = 4096
"""Characters."""


class HttpDriver:
    def __init__(
        self,
        *,
        signing_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sync_timeout: float = _SYNC_TIMEOUT,
    ) -> None:
        self._signing_key, self._sync_timeout = signing_key, sync_timeout
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(_CALL_TIMEOUT, connect=10.0),
            trust_env=False,
            # idle connections are closed before servers of apps do it: a call on one that was just
            # closed would fail
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=50, keepalive_expiry=1.0
            ),
        )

    async def call(self, call: Call, *, now: int) -> Answer:
        headers = signed(self._signing_key, call.headers, call.body)
        try:
            async with self._asked(call.method, call.url, headers, call.body) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        break
                answered = {k.lower(): v for k, v in response.headers.items()}
                return call.read(response.status_code, answered, bytes(content), now)
        except _FAILURES as error:
            return transport_error(f"cannot call {call.url}: {str(error) or type(error).__name__}")

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        body = canonical({"url": url})
        headers = {"content-type": "application/json", "x-inngest-server-kind": kind}
        headers = signed(self._signing_key, headers, body)
        try:
            return await asyncio.wait_for(self._put(url, headers, body), self._sync_timeout)
        except asyncio.TimeoutError:
            return 0, f"cannot reach {url}: no answer within {self._sync_timeout:g} seconds"
        except _FAILURES as error:
            return 0, f"cannot reach {url}: {str(error) or type(error).__name__}"

    async def _put(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and beginning of the answer, which may have no end: anybody may answer there."""
        text = ""
        async with self._asked("PUT", url, headers, body) as response:
            async for piece in response.aiter_text():
                text += piece
                if len(text) >= MAX_SYNC_ANSWER:
                    break
        return response.status_code, text[:MAX_SYNC_ANSWER]

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> AsyncIterator[httpx.Response]:
        """Make a request, and follow redirects.

        Method and body stay what they are, whatever the redirect's status. With a GET, as httpx
        does it for some, an app would introspect itself, which looks like a function's output.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._client.stream(
                method, url, headers=headers, content=content
            ) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = response.url.join(response.headers["location"])
            if target.scheme not in ("http", "https"):
                raise httpx.UnsupportedProtocol(f"it redirects to {target}")
            url = str(target)
        raise httpx.TooManyRedirects(f"more than {_MAX_REDIRECTS} redirects")

    async def close(self) -> None:
        await self._client.aclose()
