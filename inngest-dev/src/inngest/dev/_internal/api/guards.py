"""Wrap the handlers of the API, so that they answer only those who may ask."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from inngest.dev._internal.api.access import (
    is_foreign_name,
    is_foreign_page,
    is_loopback,
    may_call,
)
from inngest.dev._internal.api.openapi import refuses
from inngest.dev._internal.api.responses import TooLargeError, failed
from inngest.dev._internal.running.engine import Engine

FOREIGN = (
    "The engine has no keys, and takes nothing from pages of other sites: ask it by localhost or "
    "an address, or give it a signing key and an event key\n"
)
Handler = Callable[[Request], Awaitable[Response]]


class Guards:
    """:param host: what the engine listens on."""

    def __init__(self, engine: Engine, host: str) -> None:
        self._engine, self._host = engine, host

    def keyed(self, handler: Handler) -> Handler:
        """Ask for the signing key; on an engine without one, refuse pages of other sites."""
        answered = _reading(handler)

        @refuses(401, str)
        @functools.wraps(handler)
        async def checked(request: Request) -> Response:
            key = self._engine.signing_key
            if not may_call(key, request.headers.get("authorization", "")):
                return PlainTextResponse("Authentication failed\n", 401)
            if key is None and self.is_foreign(request):
                return PlainTextResponse(FOREIGN, 401)
            return await answered(request)

        return checked

    def unkeyed(self, handler: Handler) -> Handler:
        """Ask for no key, as the server does not either, but refuse pages of other sites."""
        answered = _reading(handler)

        @refuses(401, str)
        @functools.wraps(handler)
        async def checked(request: Request) -> Response:
            if self.is_foreign(request):
                return PlainTextResponse(FOREIGN, 401)
            return await answered(request)

        return checked

    def is_foreign(self, request: Request) -> bool:
        """Whether a browser may have been made to send it by a page of another site."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if is_foreign_page(origin, host):
            return True
        if self._engine.signing_key is not None and origin is None:
            return False  # no page sent it; and who gives an engine keys may give it a name, too
        address, _ = request.scope.get("server") or ("", None)
        # on an address that others reach, any name may be the right one
        return is_loopback(address) and is_foreign_name(host, self._host)


def _reading(handler: Handler) -> Handler:
    """Answer for bodies that are too large, or that do not come to their end."""

    @functools.wraps(handler)
    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except TooLargeError as error:
            return failed(413, str(error))
        except ClientDisconnect:
            return failed(400, "the request was not sent to its end")

    return checked
