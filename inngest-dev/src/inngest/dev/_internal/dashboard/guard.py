"""Who may use the dashboard: its own pages, and no page of another site.

Requests must be sent to a name of this machine: if a foreign name that resolves to it were
allowed (DNS rebinding), a page of that name could read the token. Actions need the token, which
only the dashboard's own page is given. On an engine with a signing key, reading needs it, too.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api.forms import Refused
from inngest.dev._internal.api.openapi import refuses

HEADER = "x-inngest-dev-token"
CLOCK = "x-inngest-dev-now"
"""Tells pages the engine's time, which may be a virtual one."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
Handler = Callable[[Request], Awaitable[Response]]


class Guard:
    def __init__(self, host: str, *, is_keyed: bool, now: Callable[[], int]) -> None:
        self.token = secrets.token_urlsafe(24)
        self.is_keyed = is_keyed
        self._host = host
        self._now = now

    def page(self, handler: Handler) -> Handler:
        """For what holds no data of the user."""

        @refuses(403, Refused)
        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            if not self._is_ours(request):
                return _refused("this name is not the dashboard's; use localhost or 127.0.0.1")
            response = _hardened(await handler(request))
            response.headers[CLOCK] = str(self._now())
            return response

        return guarded

    def read(self, handler: Handler) -> Handler:
        """For what shows data."""

        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            if self.is_keyed and not self._has_token(request):
                return _refused("open the dashboard by the URL that the engine has printed")
            return await handler(request)

        return self.page(guarded)

    def action(self, handler: Handler) -> Handler:
        """For what changes something."""

        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            if not self._has_token(request) or not self._is_same_origin(request):
                return _refused("dashboard actions need the token of its page: load it anew")
            return await handler(request)

        return self.page(guarded)

    def _has_token(self, request: Request) -> bool:
        # a stream of events cannot send headers
        given = request.headers.get(HEADER) or request.query_params.get("token") or ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _is_same_origin(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if origin is None:
            return request.headers.get("sec-fetch-site") in (None, "same-origin")
        return origin.partition("://")[2] == request.headers.get("host")

    def _is_ours(self, request: Request) -> bool:
        try:
            name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._host in ("0.0.0.0", "::")  # noqa: S104 - compared


def _hardened(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refused(message: str) -> Response:
    return _hardened(JSONResponse({"error": message}, 403))
