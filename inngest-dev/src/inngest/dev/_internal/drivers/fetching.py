"""Make the requests of steps, to third parties, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest.dev._internal.machine.fetching import MAX_BODY, Inbound, Outbound, Unreachable

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 2 * 60 * 60.0


class HttpGateway:
    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(_TIMEOUT, connect=10.0),
                follow_redirects=True,
                trust_env=False,
            )
        try:
            built = self._client.build_request(
                request.method, request.url, headers=request.headers, content=request.body.encode()
            )
            async with self._client.stream(
                built.method, built.url, headers=built.headers, content=request.body.encode()
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BODY:
                        break
                headers = {k: v.split(", ")[0] for k, v in response.headers.items()}
                return Inbound(status=response.status_code, headers=headers, body=bytes(content))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Unreachable(reason=str(error) or type(error).__name__)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None
