"""Answer client requests with the engine's API, synchronously and without sockets."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message

from inngest.outgoing import Request, Response


def ask(app: ASGIApp, request: Request) -> Response:
    """Return an ASGI app's response. The app must not suspend: no loop would wake it."""
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"host": parts.netloc, "content-length": str(len(request.body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port or 80),
    }
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    _at_once(run())
    body = b"".join(m.get("body", b"") for m in answered if m["type"] == "http.response.body")
    return Response(
        status=answered[0]["status"],
        headers={k.decode("latin-1").lower(): v.decode("latin-1")
                 for k, v in answered[0]["headers"]},
        body=body,
    )  # fmt: skip


def _at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    finally:
        coroutine.close()
    raise RuntimeError("this request needs a running server: it cannot be answered in process")
