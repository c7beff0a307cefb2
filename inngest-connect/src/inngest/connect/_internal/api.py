"""The two requests that a worker makes of the API. Both carry and get protobuf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.gateway_url import THIS_MACHINE

_MOST_SHOWN = 200
_MOST_READ = 1_000_000
"""Bytes of an answer: what is asked for here has some hundreds."""
_LONGEST = 60 * 60.0
"""Seconds to stay away when asked to: who asks for more is mistaken, or no Inngest server."""
_SLOWEST = 50_000
"""Bytes a second at which a body goes out at least: a reply of 8 MB may take minutes."""
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
        try:
            # The client's own limit is for each part: an answer may trickle in for ever.
            answer, content = await asyncio.wait_for(
                self._ask(path, body, headers), self._timeout + len(body) / _SLOWEST
            )
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return Unanswered(0, f"{self._origin}: no answer in {self._timeout:g} seconds")
        except Exception as error:  # of many kinds, such as of a URL that is none
            return Unanswered(0, f"{self._origin}: {type(error).__name__}: {error}"[:_MOST_SHOWN])
        if len(content) > _MOST_READ:
            return Unanswered(0, f"{self._origin}: an answer of more than {_MOST_READ} bytes")
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
        """Close pooled connections."""
        await self._client.aclose()


def _client(origin: str) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(mounts=_DIRECT)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # such as SOCKS without a library
        if urlsplit(origin).hostname in THIS_MACHINE:
            return httpx.AsyncClient(trust_env=False)
        raise ConnectError(f"the environment's proxy cannot be used: {error}") from error


def _said(text: str, authorization: str | None) -> str:
    """What else an answer says, in one line. Pages for browsers say nothing."""
    if authorization:  # some say again what they were asked
        text = text.replace(authorization.rpartition(" ")[2], "***")
    words = text.split()
    return "" if not words or words[0].startswith("<") else f": {' '.join(words)}"


def _seconds(text: str) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(float(text), _LONGEST) if is_number else 0.0
