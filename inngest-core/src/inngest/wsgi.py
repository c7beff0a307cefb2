"""Serve Inngest functions as a WSGI app of their own. No dependency.

It runs alone on any WSGI server, and any WSGI framework can mount it: Bottle, Falcon,
Pyramid… Sync functions run on the request's thread; async ones run there too, each
request on an event loop of its own.
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
"""Of a length that is a number."""

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

    It answers at ``serve_path``, ``/api/inngest`` by default, and at the path that a
    framework mounts it at.

    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param enable_unauthed_sync: let anyone ask a cloud-mode app to register its
        functions (``INNGEST_ENABLE_UNAUTHED_SYNC``).
    :param public_path: the endpoint's path as the server sees it, behind a proxy.
    :param serve_origin: the app's public origin (``INNGEST_SERVE_ORIGIN``).
    :param serve_path: the endpoint's path within the app (``INNGEST_SERVE_PATH``).
    :param streaming: answer calls at once and keep them alive (``INNGEST_STREAMING``).
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: two functions of one id.
    :raises URLInvalidError: the origin, or a path, cannot be used.
    :raises PluginError: a plugin that was asked for by name fails.
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
    """The app that :func:`serve` makes."""

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
        # Servers hand the bytes on as Latin-1, whatever they are.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        is_mounted = bool(environ.get("SCRIPT_NAME", "").strip("/"))
        return path == self._handler.mount_path or (is_mounted and path in ("", "/"))


def send_response(
    reply: CommResponse | CommStream[SyncStream], environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Write a response, at once or piece by piece. Servers close what they iterate over."""
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
    except ValueError:  # one of the user's own, of a durable endpoint
        return "Unknown"


def from_environ(environ: Environ, *, body: bytes, raw: object) -> CommRequest:
    """Read a request's environment.

    :param body: its body, not more of it than ``MAX_BODY_BYTES`` and one.
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
    """Read the body, not more of it than could be accepted; those that follow can read it, too.

    Where its length is unknown it ends where the server says so, if it says so. Who reads on
    after the end may wait for ever: what hooks of Flask have read is asked of Flask.
    """
    around: Any = environ.get("werkzeug.request")
    if around is not None and "stream" in vars(around):  # where it keeps what it reads
        taken: bytes = around.stream.read(MAX_BODY_BYTES + 1) or around.get_data()
        return taken
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        is_long = len(length) > _MAX_DIGITS  # Python refuses to read thousands of them
        limit = MAX_BODY_BYTES + 1 if is_long else min(int(length), MAX_BODY_BYTES + 1)
    else:
        limit = MAX_BODY_BYTES + 1 if environ.get("wsgi.input_terminated") else 0
    body: bytes = environ["wsgi.input"].read(limit) if limit else b""
    environ["wsgi.input"] = again = io.BytesIO(body)
    if around is not None:  # whose environment may be another one
        around.__dict__["stream"] = again
    return body


__all__ = ["FRAMEWORK", "WSGIApp", "from_environ", "serve"]
