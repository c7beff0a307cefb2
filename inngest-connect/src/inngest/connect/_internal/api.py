"""The two requests that a worker makes of the API. Both carry and get protobuf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from inngest.connect._internal.errors import ConnectError

_MOST_SHOWN = 200
_SLOWEST = 50_000
"""Bytes a second at which a body goes out at least: a reply of 8 MB may take minutes."""
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
"""What runs here, such as a dev server, is not behind the environment's proxy."""
_DIRECT = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}


@dataclass(frozen=True, slots=True)
class Answered:
    """The API has done it."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It has not. ``status`` is 0 if no answer came."""

    status: int
    reason: str
    retry_after: float = 0.0

    @property
    def is_refusal(self) -> bool:
        """Whether the key is not accepted."""
        return self.status in (401, 403)


class Api:
    """A client for one event loop.

    :param timeout: seconds until a whole answer has to be there, beside what a large body takes.
    :raises ConnectError: the way there is a proxy that cannot be used.
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
        """Make a request. Never raises an ``Exception``: whoever asked would never be told."""
        headers = httpx.Headers(self._headers, encoding="utf-8")
        if authorization:
            headers["authorization"] = authorization
        request = self._client.post(
            f"{self._origin}{path}", content=body, headers=headers, timeout=self._timeout
        )
        try:
            # The client's own limit is for each part: an answer may trickle in for ever.
            answer = await asyncio.wait_for(request, self._timeout + len(body) / _SLOWEST)
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return Unanswered(0, f"{self._origin}: no answer in {self._timeout:g} seconds")
        except Exception as error:  # of many kinds, such as of a URL that is none
            return Unanswered(0, f"{self._origin}: {type(error).__name__}: {error}"[:_MOST_SHOWN])
        if answer.status_code == 200:
            return Answered(answer.content)
        return Unanswered(
            answer.status_code,
            f"{self._origin}: status {answer.status_code}{_said(answer.text)}"[:_MOST_SHOWN],
            _seconds(answer.headers.get("retry-after", "")),
        )

    async def close(self) -> None:
        """Close pooled connections."""
        await self._client.aclose()


def _client(origin: str) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(mounts=_DIRECT)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # such as SOCKS without a library
        if urlsplit(origin).hostname in THIS_MACHINE:
            return httpx.AsyncClient(trust_env=False)
        raise ConnectError(f"the environment's proxy cannot be used: {error}") from error


def _said(text: str) -> str:
    """What else an answer says, in one line. Pages for browsers say nothing."""
    words = text.split()
    return "" if not words or words[0].startswith("<") else f": {' '.join(words)}"


def _seconds(text: str) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return float(text) if is_number else 0.0
