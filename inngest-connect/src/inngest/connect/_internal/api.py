"""The worker's client for the Inngest API. Request and response bodies are protobuf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.gateway_url import THIS_MACHINE

_MAX_REASON = 200
_MAX_RESPONSE_BYTES = 1_000_000
"""The longest response body that is read; expected ones have a few hundred bytes."""
_MAX_RETRY_AFTER = 60 * 60.0
"""The longest ``Retry-After`` that is obeyed, in seconds, as a guard against mistaken values."""
_MIN_UPLOAD_RATE = 50_000
"""Upload rate, in bytes per second, that timeouts allow for: a large reply may take minutes."""
_NO_PROXY = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}


@dataclass(frozen=True, slots=True)
class ApiSuccess:
    """The API responded with status 200."""

    body: bytes


@dataclass(frozen=True, slots=True)
class ApiFailure:
    """The request failed. ``status`` is 0 if there was no response."""

    status: int
    reason: str
    retry_after: float = 0.0

    @property
    def is_unauthorized(self) -> bool:
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
        self._client = _new_client(self._origin)

    async def post(
        self, path: str, body: bytes, authorization: str | None
    ) -> ApiSuccess | ApiFailure:
        """Make a POST request. Failures are returned: the caller is a task that nobody awaits."""
        headers = httpx.Headers(self._headers, encoding="utf-8")
        if authorization:
            headers["authorization"] = authorization
        try:
            # HTTPX's timeout applies to each read, so a slow response could last forever.
            answer, content = await asyncio.wait_for(
                self._request(path, body, headers), self._timeout + len(body) / _MIN_UPLOAD_RATE
            )
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return ApiFailure(0, f"{self._origin}: no response in {self._timeout:g} seconds")
        except Exception as error:  # of many types, e.g. for an invalid URL
            return ApiFailure(0, f"{self._origin}: {type(error).__name__}: {error}"[:_MAX_REASON])
        if len(content) > _MAX_RESPONSE_BYTES:
            return ApiFailure(
                0, f"{self._origin}: the response has more than {_MAX_RESPONSE_BYTES} bytes"
            )
        if answer.status_code == 200:
            return ApiSuccess(content)
        detail = _detail(content.decode("utf-8", "replace"), authorization)
        return ApiFailure(
            answer.status_code,
            f"{self._origin}: status {answer.status_code}{detail}"[:_MAX_REASON],
            _parse_retry_after(answer.headers.get("retry-after", "")),
        )

    async def _request(
        self, path: str, body: bytes, headers: httpx.Headers
    ) -> tuple[httpx.Response, bytes]:
        content = bytearray()
        async with self._client.stream(
            "POST", f"{self._origin}{path}", content=body, headers=headers, timeout=self._timeout
        ) as answer:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > _MAX_RESPONSE_BYTES:
                    break
        return answer, bytes(content)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()


def _new_client(origin: str) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(mounts=_NO_PROXY)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # e.g. SOCKS without its library
        if urlsplit(origin).hostname in THIS_MACHINE:
            return httpx.AsyncClient(trust_env=False)
        raise ConnectError(f"the environment's proxy cannot be used: {error}") from error


def _detail(text: str, authorization: str | None) -> str:
    """Format an error response's body as a suffix of one line. HTML pages are omitted."""
    if authorization:  # some servers and proxies echo the request
        text = text.replace(authorization.rpartition(" ")[2], "***")
    words = text.split()
    return "" if not words or words[0].startswith("<") else f": {' '.join(words)}"


def _parse_retry_after(text: str) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(float(text), _MAX_RETRY_AFTER) if is_number else 0.0
