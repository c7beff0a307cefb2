"""A request as the run of a durable endpoint sees it, and the response that it ends with.

The request is read from the run's event and from nothing else: a replay sees the same.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from inngest._internal.errors import (
    BodyInvalidError,
    NonRetriableError,
    OutputUnserializableError,
)
from inngest._internal.event import Event
from inngest._internal.http.comm import CommRequest, CommResponse, parse_query
from inngest._internal.protocol.headers import CONTENT_TYPE, is_header_name
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.text import encode

HTTP_EVENT: Final = "inngest/http.request"
JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
WITHOUT_BODY: Final = (204, 304)
"""The statuses after which HTTP has no body."""
_HEADER_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_OF_THE_SERVER: Final = ("connection", "content-length", "transfer-encoding")


class RequestBodyError(BodyInvalidError):
    """The body of a client's request is not what the handler reads it as.

    Where a handler lets it pass, the client gets 400 and the message.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A client's request: what of it is there again when the server repeats it.

    Other headers than ``content-type`` are not: look at them in ``admit``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    """One value a name; ``query_string`` has all of them."""
    query_string: str
    content_type: str
    body: bytes = field(repr=False)
    ip: str

    def text(self) -> str:
        """The body as text.

        :raises RequestBodyError: it is not text in UTF-8. It is a :class:`ValueError`.
        """
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise RequestBodyError("the body is not text in UTF-8") from None

    def json(self) -> Any:
        """The body as what its JSON says.

        :raises RequestBodyError: it is not JSON. It is a :class:`ValueError`.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RequestBodyError("the body is not JSON") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the client gets. A handler that returns anything else gives its JSON, with 200.

    ``body`` is sent as it is if it is text, or bytes in UTF-8; anything else as JSON. With
    status 204 or 304 there is none.

    :raises NonRetriableError: HTTP has no such status or header.
    """

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem is not None:
            raise NonRetriableError(f"durable.Response: {problem}")


def _problem(response: Response) -> str | None:
    status: object = response.status
    if not isinstance(status, int) or not 200 <= status <= 599:
        return f"status: must be a number from 200 to 599, not {status!r}"
    if status in WITHOUT_BODY and response.body is not None:
        return f"body: there is none with status {status}"
    problems = (_header_problem(name, value) for name, value in response.headers.items())
    return next(filter(None, problems), None)


def _header_problem(name: object, value: object) -> str | None:
    if not isinstance(name, str) or not is_header_name(name):
        return f"headers: {name!r} is no name of a header"
    if name.lower() in _OF_THE_SERVER:
        return f"headers: {name.lower()} is written by the server that serves the endpoint"
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        return (
            f"headers: the value of {name.lower()} must be one line of Latin-1 text, "
            "without spaces around it"
        )
    return None


def event_of(
    request: CommRequest, *, domain: str, query_string: str, fn: str, ip: str, run_id: str, now: int
) -> Event:
    """The event that begins the run of a request."""
    data = {
        "domain": domain,
        "method": request.method.upper(),
        "path": urlsplit(request.url).path,
        "fn": fn,
        "ip": ip,
        "content_type": request.headers.get(CONTENT_TYPE, ""),
        "query_params": query_string,
        "body": base64.b64encode(request.body).decode("ascii"),
    }
    return Event(name=HTTP_EVENT, data=data, id=run_id, ts=now)


def request_of(event: Event[Any]) -> Request:
    """Read the request back from the run's event."""
    data = event.data
    query_string = str(data.get("query_params") or "")
    return Request(
        method=str(data.get("method") or ""),
        path=str(data.get("path") or ""),
        query=parse_query(query_string),
        query_string=query_string,
        content_type=str(data.get("content_type") or ""),
        body=base64.b64decode(str(data.get("body") or "")),
        ip=str(data.get("ip") or ""),
    )


def stored(value: object, codec: Codec, what: str) -> dict[str, object]:
    """A handler's result as the server keeps it: status, headers, and the body as text.

    :raises OutputUnserializableError: the body is neither text nor JSON.
    """
    response = value if isinstance(value, Response) else Response(body=value)
    headers = {name.lower(): text for name, text in response.headers.items()}
    if response.status in WITHOUT_BODY:
        return {"status": response.status, "headers": headers, "body": ""}
    if isinstance(value, Response) and isinstance(response.body, (str, bytes)):
        headers.setdefault(CONTENT_TYPE, TEXT_TYPE)
        body: str = _text(response.body, what)
    else:
        headers.setdefault(CONTENT_TYPE, JSON_TYPE)
        plain = response.body
        if not isinstance(value, Response):
            plain = codec.dump(value, what)
        encoded = plain if isinstance(plain, OutputUnserializableError) else encode(plain, what)
        if isinstance(encoded, OutputUnserializableError):
            raise encoded
        body = encoded
    return {"status": response.status, "headers": headers, "body": body}


def is_kept(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it has the form in which the server keeps a result."""
    match value:
        case {"status": int(), "headers": {}, "body": str()}:
            return True
    return False


def comm_response(kept: Mapping[str, Any]) -> CommResponse:
    """What the client gets of a result that was kept."""
    return CommResponse(
        status=kept["status"], headers=kept["headers"], body=kept["body"].encode("utf-8")
    )


def _text(body: str | bytes, what: str) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise OutputUnserializableError(
            f"{what} gave bytes that are not text in UTF-8, which no server can keep"
        ) from None


__all__ = [
    "HTTP_EVENT",
    "JSON_TYPE",
    "Request",
    "RequestBodyError",
    "Response",
    "WITHOUT_BODY",
    "comm_response",
    "event_of",
    "is_kept",
    "request_of",
    "stored",
]
