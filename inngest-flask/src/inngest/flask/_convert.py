"""Convert Flask's requests and responses to and from the library's own."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from werkzeug.wsgi import get_input_stream

import flask
from inngest.transport import (
    MAX_BODY_BYTES,
    CommRequest,
    CommResponse,
    CommStream,
    Handler,
    SyncStream,
)
from inngest.wsgi import from_environ


def from_flask(request: flask.Request) -> CommRequest:
    """Read a request. Of a body that is too large, only so much is read as shows that."""
    itself = _itself(request)
    return from_environ(request.environ, body=_body(itself), raw=itself)


def _body(request: flask.Request) -> bytes:
    """The body, even if a hook of the app has read it already. Later hooks can read it, too.

    It does not go by ``MAX_CONTENT_LENGTH``, which is for the app's own views: servers may send
    more.
    """
    if "stream" in vars(request):  # werkzeug's cached property: somebody has asked for it
        return request.stream.read(MAX_BODY_BYTES + 1) or request.get_data()
    body = get_input_stream(request.environ).read(MAX_BODY_BYTES + 1)
    vars(request)["stream"] = io.BytesIO(body)
    return body


def to_flask(reply: CommResponse | CommStream[SyncStream]) -> flask.Response:
    """Write a response, at once or piece by piece. Flask closes what it iterates over."""
    body = reply.body if isinstance(reply, CommResponse) else reply.chunks
    return flask.Response(body, status=reply.status, headers=dict(reply.headers))


ENDPOINT = "inngest_api"


def view_of(handler: Handler) -> Callable[[], flask.Response]:
    """Make the view that answers for a handler."""

    def inngest_endpoint() -> flask.Response:
        return to_flask(handler.stream_sync(from_flask(flask.request)))

    return inngest_endpoint


def endpoint_name(app: flask.Flask | flask.Blueprint, app_id: str, path: str) -> str:
    """Name the endpoint of one client at one path; a blueprint allows no dots.

    The first of an app has the name that existing apps know: they exempt its view from CSRF.
    """
    if isinstance(app, flask.Flask) and ENDPOINT not in app.view_functions:
        return ENDPOINT
    return re.sub(r"\W+", "_", f"inngest {app_id} {path}")


@contextmanager
def app_context() -> Iterator[None]:
    """Give a thread an application context of its own: that of the request ends before it does."""
    with flask.current_app.app_context():
        yield


def _itself(request: flask.Request) -> flask.Request:
    """The request behind the proxy ``flask.request``, which works only until the view returns."""
    current = getattr(request, "_get_current_object", None)
    return request if current is None else current()
