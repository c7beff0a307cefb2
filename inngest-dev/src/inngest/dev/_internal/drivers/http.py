"""Call apps over HTTP. The answer is read by `answer`."""

from __future__ import annotations

import httpx

from inngest.dev._internal.drivers.signing import signed
from inngest.dev._internal.protocol.answer import MAX_ANSWER, Answer, transport_error
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.protocol.canonical import canonical

_CALL_TIMEOUT = 2 * 60 * 60.0
_SYNC_TIMEOUT = 30.0


class HttpDriver:
    def __init__(
        self,
        *,
        signing_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._signing_key = signing_key
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(_CALL_TIMEOUT, connect=10.0),
            follow_redirects=True,
            max_redirects=60,
            trust_env=False,
            # shorter than the apps keep idle connections: a call is not to fail on a stale one
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=50, keepalive_expiry=1.0
            ),
        )

    async def call(self, call: Call, *, now: int) -> Answer:
        headers = signed(self._signing_key, call.headers, call.body)
        try:
            async with self._client.stream(
                call.method, call.url, headers=headers, content=call.body
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        break
                answered = {k.lower(): v for k, v in response.headers.items()}
                return call.read(response.status_code, answered, bytes(content), now)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, OverflowError) as error:
            return transport_error(f"cannot call {call.url}: {str(error) or type(error).__name__}")

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        body = canonical({"url": url})
        headers = {"content-type": "application/json", "x-inngest-server-kind": kind}
        try:
            response = await self._client.put(
                url,
                content=body,
                headers=signed(self._signing_key, headers, body),
                timeout=_SYNC_TIMEOUT,
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError, OverflowError) as error:
            return 0, f"cannot reach {url}: {str(error) or type(error).__name__}"
        return response.status_code, response.text[:4096]

    async def close(self) -> None:
        await self._client.aclose()
