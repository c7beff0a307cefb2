"""Make the requests of fetch and AI steps, to third parties, over HTTP."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from inngest.dev._internal.machine.fetching import MAX_BODY, Inbound, Outbound, Unreachable

if TYPE_CHECKING:
    import httpx

_KEY = re.compile(r"([?&]key=)[^&#\s]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = {"content-length", "host", "trailer", "transfer-encoding"}
"""Headers that the connection sets: those of a step are left out, as by the server."""
_TIMEOUT = 2 * 60 * 60.0
"""Seconds."""


class HttpGateway:
    """:param timeout: seconds until all of an answer has to be there."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, *, timeout: float = _TIMEOUT
    ) -> None:
        self._transport, self._timeout = transport, timeout
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        wrong = _unsendable(request.headers)
        if wrong:
            return Unreachable(reason=wrong)
        try:
            return await asyncio.wait_for(self._ask(request), self._timeout)
        except asyncio.TimeoutError:
            return Unreachable(reason=f"the answer did not end in {self._timeout:g} seconds")
        except Exception as error:  # there are many, from DNS and TLS to answers that are not HTTP
            return Unreachable(reason=str(error) or type(error).__name__)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, request: Outbound) -> Inbound:
        async with self._opened().stream(
            request.method,
            request.url,
            headers=_sent(request.headers),
            content=request.body.encode(),
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_BODY:
                    break
            headers = _first_of_each(response.headers)
            return Inbound(status=response.status_code, headers=headers, body=bytes(content))

    def _opened(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            _hide_keys()
            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(self._timeout, connect=10.0),
                follow_redirects=True,
                trust_env=False,
                # No cookies are kept: those that one run was given would be sent by others.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._client


def _unsendable(headers: Mapping[str, str]) -> str | None:
    """What is wrong with headers, if anything.

    httpx would say it, too, but would show values, which may be secret.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            return f"a header cannot have the name {name!r}"
        if _CONTROL.search(value):
            return f"the value of the header {name!r} cannot be sent"
    return None


def _sent(headers: Mapping[str, str]) -> httpx.Headers:
    import httpx

    kept = {name: value.strip() for name, value in headers.items() if name.lower() not in _OURS}
    return httpx.Headers(kept, encoding="utf-8")


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
    """The headers, with the first value of each name.

    Without those that were true of the compressed body: it is passed on decompressed.
    """
    found: dict[str, str] = {}
    for name, value in headers.multi_items():
        found.setdefault(name, value)
    if found.pop("content-encoding", None) is not None:
        found.pop("content-length", None)
    return found
