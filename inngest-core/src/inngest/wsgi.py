"""Serve Inngest functions as a standalone WSGI app, without further dependencies.

Any WSGI server can run it, and any WSGI framework can mount it: Bottle, Falcon, Pyramid…
Functions run on the request's thread; an async one on an event loop created for the request.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias
from wsgiref.util import request_uri

from inngest._internal.client.client import Inngest
from inngest._internal.function.function import Function
from inngest._internal.protocol.headers import CONTENT_TYPE
from inngest.transport import (
    MAX_BODY_BYTES,
    CommRequest,
    CommResponse,
    CommStream,
    Handler,
    ServeOptions,
    Streaming,
    SyncStream,
    parse_query,
)

FRAMEWORK = "wsgi"
_MAX_DIGITS = 20
"""Longest ``Content-Length`` that is converted to an ``int``."""

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., object]


def serve(
    client: Inngest,
    functions: Sequence[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
    streaming: Streaming | None = None,
) -> WSGIApp:
    """Make the WSGI app that the Inngest server calls.

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
    return WSGIApp(Handler(client, functions, options))


class WSGIApp:
    """The WSGI app that :func:`serve` makes."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._is_ours(environ):
            reply = self._handler.stream_sync(
                from_environ(environ, body=read_body(environ), raw=environ)
            )
        else:
            text = f"Not Found: the Inngest endpoint is {self._handler.mount_path}".encode()
            reply = CommResponse(status=404, body=text, headers={CONTENT_TYPE: "text/plain"})
        return send_response(reply, environ, start_response)

    def _is_ours(self, environ: Environ) -> bool:
        # PEP 3333: servers decode the path's bytes as Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        is_mounted = bool(environ.get("SCRIPT_NAME", "").strip("/"))
        return path == self._handler.mount_path or (is_mounted and path in ("", "/"))


def send_response(
    reply: CommResponse | CommStream[SyncStream], environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Write a response, at once or chunk by chunk. The server closes the returned iterable."""
    headers = [(name.title(), value) for name, value in reply.headers.items()]
    chunks: Iterable[bytes]
    if isinstance(reply, CommResponse):
        headers.append(("Content-Length", str(len(reply.body))))
        chunks = [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]
    else:
        chunks = reply.chunks
    start_response(f"{reply.status} {_phrase(reply.status)}", headers)
    return chunks


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # durable endpoints may respond with a status that is not registered
        return "Unknown"


def from_environ(environ: Environ, *, body: bytes, raw: object) -> CommRequest:
    """Convert a WSGI environment to a request.

    :param body: the body, truncated to ``MAX_BODY_BYTES + 1`` bytes.
    :param raw: the framework's own request, for middleware.
    """
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers[CONTENT_TYPE] = environ["CONTENT_TYPE"]
    return CommRequest(
        method=environ["REQUEST_METHOD"],
        url=request_uri(environ, include_query=False),
        headers=headers,
        query=parse_query(environ.get("QUERY_STRING", "")),
        body=body,
        raw=raw,
    )


def read_body(environ: Environ) -> bytes:
    """Read at most ``MAX_BODY_BYTES + 1`` bytes of the body, and leave them readable again.

    Without a ``Content-Length`` the body is read only if the server marks its end
    (``wsgi.input_terminated``). Reading past the end may block for ever. If a Flask hook has
    already read the body, it is taken from the Werkzeug request, which keeps it.
    """
    around: Any = environ.get("werkzeug.request")
    if around is not None and "stream" in vars(around):  # the cached stream
        taken: bytes = around.stream.read(MAX_BODY_BYTES + 1) or around.get_data()
        return taken
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        is_long = len(length) > _MAX_DIGITS  # int() rejects strings of thousands of digits
        limit = MAX_BODY_BYTES + 1 if is_long else min(int(length), MAX_BODY_BYTES + 1)
    else:
        limit = MAX_BODY_BYTES + 1 if environ.get("wsgi.input_terminated") else 0
    body: bytes = environ["wsgi.input"].read(limit) if limit else b""
    environ["wsgi.input"] = again = io.BytesIO(body)
    if around is not None:  # its environ may be a different dictionary than ours
        around.__dict__["stream"] = again
    return body


__all__ = ["FRAMEWORK", "WSGIApp", "from_environ", "serve"]
