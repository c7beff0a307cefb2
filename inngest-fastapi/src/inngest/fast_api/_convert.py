"""Convert FastAPI's requests and responses to and from the library's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import fastapi
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from inngest import asgi
from inngest.transport import MAX_BODY_BYTES, Handler


class Reply(fastapi.Response):
    """The endpoint's response.

    The call is answered while it is sent: only then is it seen that a client disconnects.
    """

    def __init__(self, handler: Handler, request: fastapi.Request) -> None:
        super().__init__()
        self._handler = handler
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await asgi.answer(self._handler, scope, receive, send, raw=self._request, read=self._body)

    async def _body(self) -> bytes | None:
        """The body, even if a dependency has read it already; None if the client has disconnected."""
        body = bytearray()
        try:
            async for chunk in self._request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    break
        except ClientDisconnect:
            return None
        return bytes(body[: MAX_BODY_BYTES + 1])


def endpoint_of(handler: Handler) -> Callable[[fastapi.Request], Awaitable[fastapi.Response]]:
    """Make the path operation that answers for a handler."""

    async def inngest_endpoint(request: fastapi.Request) -> fastapi.Response:
        return Reply(handler, request)

    return inngest_endpoint


def ending_with(
    app: fastapi.FastAPI | fastapi.APIRouter, aclose: Callable[[], Awaitable[None]]
) -> None:
    """Await ``aclose`` at the end of the app's lifespan, whether it has one of its own or not."""
    router = app.router if isinstance(app, fastapi.FastAPI) else app
    inner: Any = router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: Any) -> AsyncIterator[Any]:
        async with inner(of) as state:
            try:
                yield state
            finally:
                await aclose()

    router.lifespan_context = lifespan
