"""What answers Connect's routes: start, flush, and the WebSocket. It needs the extra `connect`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from inngest.connect.protocol import SUBPROTOCOL, Malformed, parse, wire
from inngest.dev._internal.api.responses import plain
from inngest.dev._internal.api.views import failure
from inngest.dev._internal.connect.hub import Hub
from inngest.dev._internal.connect.session import Ended, Session

MAX_BODY = 16 * 1024 * 1024
_PROTOBUF = "application/octet-stream"


async def start(request: Request, hub: Hub) -> Response:
    wanted = parse(wire.StartRequest, await _body(request))
    if isinstance(wanted, Malformed):
        return _malformed("request")
    scheme = "wss" if request.url.scheme == "https" else "ws"
    authorization = request.headers.get("authorization", "")
    answer = hub.start(wanted, f"{scheme}://{request.url.netloc}", authorization)
    return Response(answer.SerializeToString(), media_type=_PROTOBUF)


async def flush(request: Request, hub: Hub) -> Response:
    reply = parse(wire.SDKResponse, await _body(request))
    if isinstance(reply, Malformed):
        return _malformed("request")
    try:
        json.loads(reply.system_trace_ctx)
    except (ValueError, RecursionError):
        return _malformed("system trace ctx")
    hub.answered(reply)
    answer = wire.FlushResponse(request_id=reply.request_id)
    return Response(answer.SerializeToString(), media_type=_PROTOBUF)


def _malformed(what: str) -> Response:
    return plain(failure(400, f"could not unmarshal {what}"), 400)


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            return b"\xff"  # what no message can be
    return bytes(content)


class Channel:
    """A starlette socket in the form for a session. What is sent after its end is dropped.

    :param patience: seconds that one message may take to be sent. After that, nothing more is.
    """

    def __init__(self, socket: WebSocket, patience: float) -> None:
        self._socket, self._patience = socket, patience
        self._lock = asyncio.Lock()
        self._is_stuck = False

    async def send(self, data: bytes) -> None:
        await self._do(lambda: self._socket.send_bytes(data))

    async def close(self, code: int, reason: str) -> None:
        await self._do(lambda: self._socket.close(code, reason))

    async def _do(self, act: Callable[[], Awaitable[None]]) -> None:
        async with self._lock:
            is_open = self._socket.application_state is WebSocketState.CONNECTED
            if self._is_stuck or not is_open:
                return
            acting = asyncio.ensure_future(act())
            try:
                await asyncio.wait([acting], timeout=self._patience)
                self._is_stuck = not acting.done()
                if not self._is_stuck:
                    acting.result()
            except (WebSocketDisconnect, RuntimeError, OSError):
                return
            finally:
                acting.cancel()


async def converse(socket: WebSocket, hub: Hub) -> None:
    """Serve one socket to its end."""
    offered = socket.scope.get("subprotocols") or []
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    channel = Channel(socket, hub.terms.lease)
    session: Session | None = None
    try:
        session = hub.enter(channel, socket.query_params.get("gateway", "gw-dev"))
        await session.begin()
        while True:
            message = await asyncio.wait_for(socket.receive(), session.patience)
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            await session.receive(message.get("text") or "" if content is None else content)
    except asyncio.TimeoutError:
        is_hello = session is None or not session.is_synced
        reason = "connect_worker_hello_timeout" if is_hello else "CONSECUTIVE_HEARTBEATS_MISSED"
        await channel.close(1008, reason)
    except Ended as ended:
        await channel.close(ended.code, ended.reason)
    finally:
        if session is not None:
            hub.leave(session)
