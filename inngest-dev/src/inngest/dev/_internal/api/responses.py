"""Read requests and write responses, with limits and the server's forms."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from inngest.dev._internal.api.views import failure
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Json

MAX_BODY = 16 * 1024 * 1024
_RAW = {"content-type": "text/plain; charset=utf-8"}


class TooLargeError(Exception):
    """The body of a request is over its limit."""


async def body_of(request: Request, limit: int = MAX_BODY) -> bytes:
    """:raises TooLargeError: as soon as the limit is passed."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise TooLargeError(f"the body is over the limit of {limit} bytes")
    return bytes(content)


async def json_of(request: Request) -> Json:
    """The body of a request; None, which no request may consist of, when it is not JSON.

    :raises TooLargeError: as soon as the limit is passed.
    """
    try:
        return decode(await body_of(request))
    except ValueError:
        return None


def limit_of(request: Request) -> int | None:
    """How many the query wants to have listed; None when that is no number from 1 to 1000."""
    text = request.query_params.get("limit", "100")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if 1 <= number <= 1000 else None


async def deny(socket: WebSocket, response: Response) -> None:
    """Refuse a WebSocket: with this response, or with 403 where the server can do no better."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(response)
    else:
        await socket.close(1008)


def failed(status: int, message: str) -> Response:
    return JSONResponse(failure(status, message), status)


def plain(body: dict[str, Any], status: int) -> Response:
    """JSON that calls itself text, as the server sends it."""
    return Response(json.dumps(body), status, headers=_RAW)
