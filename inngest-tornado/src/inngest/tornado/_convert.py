"""Convert Tornado's requests and responses to and from the library's own."""

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
"""Bodies up to this size, Tornado's own default, are read: if they are too large, the handler
refuses them. Larger ones are refused by Tornado."""


@tornado.web.stream_request_body
class InngestRequestHandler(tornado.web.RequestHandler):
    """Answers for a handler. If the client disconnects, the work for its request is cancelled."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

    def initialize(self, handler: Handler) -> None:
        """Take the options of the route. Tornado makes an instance for each request."""
        self._handler = handler
        self._body = bytearray()
        self._task: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Allow larger bodies than the server may allow for the app's own handlers."""
        connection: Any = self.request.connection
        connection.set_max_body_size(READ_BYTES)

    def data_received(self, chunk: bytes) -> None:
        """Keep no more of the body than could be accepted."""
        self._body += chunk[: MAX_BODY_BYTES + 1 - len(self._body)]

    def check_xsrf_cookie(self) -> None:
        """Allow requests without an XSRF cookie: calls are signed instead."""

    def compute_etag(self) -> None:
        """Add no ETag: responses are never cached."""

    def on_connection_close(self) -> None:
        """Cancel the work, or the wait for the rest of the body: a response would reach nobody."""
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
