"""Serve Inngest functions as a standalone ASGI app, without further dependencies.

Any asyncio-based ASGI server can run it, and any ASGI framework can mount it: Starlette,
Litestar, Quart… Adapters that are ASGI apps themselves, such as ``inngest.fast_api``, build on
:func:`answer`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import quote

from inngest._internal.client.client import Inngest
from inngest._internal.function.function import Function
from inngest._internal.protocol.headers import CONTENT_TYPE
from inngest._internal.runtime.presence import WhilePresent
from inngest.transport import (
    MAX_BODY_BYTES,
    CommRequest,
    CommResponse,
    Handler,
    ServeOptions,
    Streaming,
    parse_query,
)

FRAMEWORK = "asgi"

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

GONE = CommResponse(status=499, body=b"")
"""Sent when the client has disconnected. Servers drop it, but middleware expects a response."""


def serve(
    client: Inngest,
    functions: Sequence[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
    streaming: Streaming | None = None,
) -> ASGIApp:
    """Make the ASGI app that the Inngest server calls.

    It responds at ``serve_path``, by default ``/api/inngest``, and, when a framework mounts it,
    at the mount point.

    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param enable_unauthed_sync: accept unsigned sync requests in cloud mode
        (``INNGEST_ENABLE_UNAUTHED_SYNC``).
    :param public_path: the endpoint's path as the server sees it, if a proxy rewrites it.
    :param serve_origin: the app's public origin (``INNGEST_SERVE_ORIGIN``).
    :param serve_path: the endpoint's path within the app (``INNGEST_SERVE_PATH``).
    :param streaming: send headers at once and keep the connection alive while a function runs
        (``INNGEST_STREAMING``).
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: two functions have the same id.
    :raises URLInvalidError: the origin or a path is invalid.
    :raises PluginError: a plugin that was requested by name failed.
    """
    options = ServeOptions(
        framework=FRAMEWORK,
        enable_unauthed_sync=enable_unauthed_sync,
        public_path=public_path,
        serve_origin=serve_origin,
        serve_path=serve_path,
        streaming=streaming,
    )
    return ASGIApp(Handler(client, functions, options))


class ASGIApp:
    """The ASGI app that :func:`serve` makes."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; WebSocket connections are closed."""
        match scope["type"]:
            case "http" if self._is_ours(scope):
                await answer(self._handler, scope, receive, send, raw=scope)
            case "http":
                text = f"Not Found: the Inngest endpoint is {self._handler.mount_path}".encode()
                missing = CommResponse(status=404, body=text, headers={CONTENT_TYPE: "text/plain"})
                await send_response(missing, scope, send)
            case "lifespan":
                await live(self._handler.aclose, receive, send)
            case _:
                await send({"type": "websocket.close"})

    def _is_ours(self, scope: Scope) -> bool:
        root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
        within = path[len(root) :] if path.startswith(f"{root}/") or path == root else path
        return within == self._handler.mount_path or bool(root and within in ("", "/"))


async def live(close: Callable[[], Awaitable[None]], receive: Receive, send: Send) -> None:
    """Answer the lifespan protocol; call ``close`` when the server shuts down."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def answer(
    handler: Handler,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    raw: object,
    read: Callable[[], Awaitable[bytes | None]] | None = None,
) -> None:
    """Answer one HTTP request. Work for a client that disconnects is cancelled.

    :param raw: the framework's own request, for middleware.
    :param read: reads at most ``MAX_BODY_BYTES + 1`` bytes of the body, or returns ``None`` if
        the client has disconnected; for frameworks that may have received the body already.
    """
    body = await (read_body(receive) if read is None else read())
    if body is None:
        await send_response(GONE, scope, send)
        return
    has_started = False

    async def tracking_send(message: Message) -> None:
        nonlocal has_started
        has_started = True
        await send(message)

    async with WhilePresent(partial(_disconnected, receive)):
        await _answer(handler, from_scope(scope, body, raw), scope, tracking_send)
    if not has_started:
        await send_response(GONE, scope, send)


async def _answer(handler: Handler, request: CommRequest, scope: Scope, send: Send) -> None:
    reply = await handler.stream_async(request)
    if isinstance(reply, CommResponse):
        await send_response(reply, scope, send)
        return
    try:
        await send(_start(reply.status, reply.headers.items()))
        async for chunk in reply.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass  # ASGI 2.4: send() raises OSError when the client has disconnected
    finally:
        await reply.chunks.aclose()


async def send_response(response: CommResponse, scope: Scope, send: Send) -> None:
    """Write a response. It is dropped if the client has disconnected."""
    length = ("content-length", str(len(response.body)))
    body = b"" if scope["method"] == "HEAD" else response.body
    try:
        await send(_start(response.status, [*response.headers.items(), length]))
        await send({"type": "http.response.body", "body": body})
    except OSError:
        pass


def _start(status: int, headers: Any) -> Message:
    encoded = [
        (name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in headers
    ]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def read_body(receive: Receive) -> bytes | None:
    """Read at most ``MAX_BODY_BYTES + 1`` bytes; ``None`` if the client has disconnected."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return bytes(body[: MAX_BODY_BYTES + 1])
        if not message.get("more_body", False):
            return bytes(body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def from_scope(scope: Scope, body: bytes, raw: object) -> CommRequest:
    """Convert an ASGI scope to a request. Of headers with the same name, the first is used."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return CommRequest(
        method=scope["method"],
        url=_url(scope, headers.get("host")),
        headers=headers,
        query=parse_query(scope.get("query_string", b"").decode("latin-1")),
        body=body,
        raw=raw,
    )


def _url(scope: Scope, host: str | None) -> str:
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    if not path.startswith(f"{root}/") and path != root:  # before ASGI 2.3, path excluded root_path
        path = root + path
    if host is None:
        name, port = scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{scope.get('scheme', 'http')}://{host}{quote(path)}"


__all__ = ["FRAMEWORK", "ASGIApp", "answer", "serve"]
