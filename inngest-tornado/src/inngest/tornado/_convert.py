"""Tornado's request and response, to and from the library's own."""

from __future__ import annotations

import asyncio
from typing import Any

import tornado.iostream
import tornado.web
from inngest.transport import (
    MAX_BODY_BYTES,
    AsyncStream,
    CommRequest,
    CommResponse,
    CommStream,
    Handler,
)

READ_BYTES = 100 * 1024 * 1024
"""How large a body may be to be read, and refused by us: what Tornado reads by default."""


@tornado.web.stream_request_body
class InngestRequestHandler(tornado.web.RequestHandler):
    """Answers for a handler. A client that leaves ends the work that it asked for."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

    def initialize(self, handler: Handler) -> None:
        """Take what the route holds; Tornado makes one of us for each request."""
        self._handler = handler
        self._body = bytearray()
        self._task: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Have the body come in, though the server takes less for the app's own handlers."""
        connection: Any = self.request.connection
        connection.set_max_body_size(READ_BYTES)

    def data_received(self, chunk: bytes) -> None:
        """Keep no more of the body than could be accepted."""
        self._body += chunk[: MAX_BODY_BYTES + 1 - len(self._body)]

    def check_xsrf_cookie(self) -> None:
        """Calls are signed; they carry no cookie."""

    def compute_etag(self) -> None:
        """Answers are never cached."""

    def on_connection_close(self) -> None:
        """End the work, or the wait for the rest of the body: an answer would reach nobody."""
        super().on_connection_close()
        if self._task is not None:
            self._task.cancel()

    async def _respond(self) -> None:
        self._task = asyncio.ensure_future(self._reply())
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()

    async def _reply(self) -> None:
        reply = await self._handler.stream_async(from_tornado(self.request, bytes(self._body)))
        self.set_status(reply.status)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        if isinstance(reply, CommResponse):
            await self.finish(reply.body)
        else:
            await self._stream(reply)

    async def _stream(self, reply: CommStream[AsyncStream]) -> None:
        try:
            async for chunk in reply.chunks:
                self.write(chunk)
                await self.flush()
        except tornado.iostream.StreamClosedError:
            pass
        finally:
            await reply.chunks.aclose()

    get = head = post = put = delete = patch = options = _respond


def from_tornado(request: Any, body: bytes) -> CommRequest:
    """Read a request."""
    given = request.query_arguments.items()
    query = {name: values[0].decode("utf-8", "replace") for name, values in given}
    return CommRequest(
        method=request.method,
        url=request.full_url(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=query,
        body=body,
        raw=request,
    )
