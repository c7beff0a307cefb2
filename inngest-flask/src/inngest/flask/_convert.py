"""Flask's request and response, to and from the library's own."""

from __future__ import annotations

import flask
from inngest.transport import MAX_BODY_BYTES, CommRequest, CommResponse


def from_flask(request: flask.Request) -> CommRequest:
    """Read a request, never more of its body than could be accepted."""
    return CommRequest(
        method=request.method,
        url=request.url,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.args.to_dict(),
        body=request.stream.read(MAX_BODY_BYTES + 1),
        raw=_itself(request),
    )


def to_flask(response: CommResponse) -> flask.Response:
    """Write a response."""
    return flask.Response(response.body, status=response.status, headers=dict(response.headers))


def _itself(request: flask.Request) -> flask.Request:
    """The request behind ``flask.request``, which ends with the view."""
    current = getattr(request, "_get_current_object", None)
    return request if current is None else current()
