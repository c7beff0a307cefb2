"""Where the API is and who asks it. PROTOCOL section 14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inngest._internal.api.authorized import fetch_authorized
from inngest._internal.flow import FetchError, Flow, Request, Response
from inngest._internal.protocol.signature import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a call of the API needs, whatever it asks for. ``timeout`` is in seconds."""

    api_origin: str
    headers: Mapping[str, str] = field(repr=False)
    keys: Sequence[SigningKey] = field(repr=False)
    timeout: float

    def url(self, path: str) -> str:
        """The URL of a path, which begins with a slash."""
        return f"{self.api_origin.rstrip('/')}{path}"

    def post(self, path: str, body: bytes) -> Flow[Response | FetchError]:
        """Post JSON, with the first key that is not refused."""
        request = Request(
            method="POST",
            url=self.url(path),
            headers=self.headers,
            body=body,
            timeout=self.timeout,
        )
        return fetch_authorized(request, self.keys)


__all__ = ["Access"]
