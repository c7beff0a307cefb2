"""The routes of Connect. What answers them needs an extra: without it they say which."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import deny
from inngest.dev._internal.running.engine import Engine

_INSTALL = "pip install inngest-dev[connect], and the engine started anew\n"
_NO_CONNECT = f"Connect needs: {_INSTALL}"
_NO_SOCKETS = f"WebSockets need: {_INSTALL}"


class ConnectRoutes:
    """:param has_sockets: whether what serves the API takes WebSockets."""

    def __init__(self, engine: Engine, *, has_sockets: bool) -> None:
        self._engine, self._has_sockets = engine, has_sockets

    @describes(answers={200: bytes, 400: str, 501: str})
    async def start(self, request: Request) -> Response:
        """A place to connect a worker to."""
        if not self._has_sockets:
            return PlainTextResponse(_NO_CONNECT, 501)
        try:
            from inngest.dev._internal.api import connect
        except ImportError:
            return PlainTextResponse(_NO_CONNECT, 501)
        return await connect.start(request, self._engine.connect)

    @describes(answers={200: bytes, 400: str, 501: str})
    async def flush(self, request: Request) -> Response:
        """Take an answer of a worker that has lost its connection."""
        try:
            from inngest.dev._internal.api import connect
        except ImportError:
            return PlainTextResponse(_NO_CONNECT, 501)
        return await connect.flush(request, self._engine.connect)

    async def socket(self, socket: WebSocket) -> None:
        """Serve the socket of a worker, to which `start` has sent it."""
        try:
            from inngest.dev._internal.api import connect
        except ImportError:
            await deny(socket, PlainTextResponse(_NO_CONNECT, 501))
        else:
            await connect.converse(socket, self._engine.connect)


@describes(answers={501: str})
async def no_socket(_request: Request) -> Response:
    """Where a WebSocket would be taken: the server cannot."""
    return PlainTextResponse(_NO_SOCKETS, 501)
