"""Make the requests of steps, to third parties, over HTTP."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from inngest.dev._internal.machine.fetching import MAX_BODY, Inbound, Outbound, Unreachable

if TYPE_CHECKING:
    import httpx

_KEY = re.compile(r"([?&]key=)[^&#\s]+")
_TIMEOUT = 2 * 60 * 60.0


class HttpGateway:
    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        import httpx

        if self._client is None:
            _hide_keys()
            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(_TIMEOUT, connect=10.0),
                follow_redirects=True,
                trust_env=False,
            )
        try:
            async with self._client.stream(
                request.method, request.url, headers=request.headers, content=request.body.encode()
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BODY:
                        break
                headers = _first_of_each(response.headers)
                return Inbound(status=response.status_code, headers=headers, body=bytes(content))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Unreachable(reason=str(error) or type(error).__name__)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _hide_keys() -> None:
    """Keep keys that some providers take in the URL out of httpx's log."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(known, _KeyFilter) for known in logger.filters):
        logger.addFilter(_KeyFilter())


class _KeyFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_key(argument) for argument in record.args)
        return True


def _without_key(argument: object) -> object:
    text = str(argument) if type(argument).__name__ == "URL" else argument
    return _KEY.sub(r"\1***", text) if isinstance(text, str) else argument


def _first_of_each(headers: httpx.Headers) -> dict[str, str]:
    """Of several values of one name the first; without what said how the body was packed."""
    found: dict[str, str] = {}
    for name, value in headers.multi_items():
        found.setdefault(name, value)
    if found.pop("content-encoding", None) is not None:
        found.pop("content-length", None)
    return found
