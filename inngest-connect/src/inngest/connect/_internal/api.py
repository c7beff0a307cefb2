"""The worker's client for the Inngest API. Request and response bodies are protobuf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.gateway_url import THIS_MACHINE

_MOST_SHOWN = 200
_MOST_READ = 1_000_000
"""The longest response body that is read; expected ones have a few hundred bytes."""
_LONGEST = 60 * 60.0
"""The longest ``Retry-After`` that is obeyed, in seconds, as a guard against mistaken values."""
_SLOWEST = 50_000
"""Upload rate, in bytes per second, that timeouts allow for: a large reply may take minutes."""
_DIRECT = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}


@dataclass(frozen=True, slots=True)
class Answered:
    """The API responded with status 200."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request failed. ``status`` is 0 if there was no response."""

    status: int
    reason: str
    retry_after: float = 0.0

    @property
    def is_refusal(self) -> bool:
        """Whether the API rejected the signing key."""
        return self.status in (401, 403)


class Api:
    """An API client for one event loop.

    :param timeout: the maximum number of seconds for a request, plus time to upload its body.
    :raises ConnectError: the environment's proxy settings are invalid, and the API is remote.
    """

    def __init__(self, origin: str, env: str | None, timeout: float) -> None:
        self._origin, self._timeout = origin.rstrip("/"), timeout
        self._headers = {"content-type": "application/protobuf"}
        if env:
            self._headers["x-inngest-env"] = env
        self._client = _client(self._origin)

    async def post(
        self, path: str, body: bytes, authorization: str | None
    ) -> Answered | Unanswered:
        """Make a POST request. Failures are returned: the caller is a task that nobody awaits."""
        headers = httpx.Headers(self._headers, encoding="utf-8")
        if authorization:
            headers["authorization"] = authorization
        try:
            # HTTPX's timeout applies to each read, so a slow response could last forever.
            answer, content = await asyncio.wait_for(
                self._ask(path, body, headers), self._timeout + len(body) / _SLOWEST
            )
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return Unanswered(0, f"{self._origin}: no response in {self._timeout:g} seconds")
        except Exception as error:  # of many types, e.g. for an invalid URL
            return Unanswered(0, f"{self._origin}: {type(error).__name__}: {error}"[:_MOST_SHOWN])
        if len(content) > _MOST_READ:
            return Unanswered(0, f"{self._origin}: the response has more than {_MOST_READ} bytes")
        if answer.status_code == 200:
            return Answered(content)
        said = _said(content.decode("utf-8", "replace"), authorization)
        return Unanswered(
            answer.status_code,
            f"{self._origin}: status {answer.status_code}{said}"[:_MOST_SHOWN],
            _seconds(answer.headers.get("retry-after", "")),
        )

    async def _ask(
        self, path: str, body: bytes, headers: httpx.Headers
    ) -> tuple[httpx.Response, bytes]:
        content = bytearray()
        async with self._client.stream(
            "POST", f"{self._origin}{path}", content=body, headers=headers, timeout=self._timeout
        ) as answer:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > _MOST_READ:
                    break
        return answer, bytes(content)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()


def _client(origin: str) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(mounts=_DIRECT)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # e.g. SOCKS without its library
        if urlsplit(origin).hostname in THIS_MACHINE:
            return httpx.AsyncClient(trust_env=False)
        raise ConnectError(f"the environment's proxy cannot be used: {error}") from error


def _said(text: str, authorization: str | None) -> str:
    """Format an error response's body as a suffix of one line. HTML pages are omitted."""
    if authorization:  # some servers and proxies echo the request
        text = text.replace(authorization.rpartition(" ")[2], "***")
    words = text.split()
    return "" if not words or words[0].startswith("<") else f": {' '.join(words)}"


def _seconds(text: str) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(float(text), _LONGEST) if is_number else 0.0
