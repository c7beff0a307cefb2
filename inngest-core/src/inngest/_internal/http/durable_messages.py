"""The request and the response of a durable endpoint, as they are stored on the server.

The handler's request is decoded only from the run's event, so that replays see the same.
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
"""The statuses of responses without a body."""
_HEADER_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_SET_BY_SERVER: Final = ("connection", "content-length", "transfer-encoding")


class RequestBodyError(BodyInvalidError):
    """The request body does not have the format that the handler expects.

    If the handler does not catch it, the client receives status 400 and the message.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The parts of a client's request that are the same when the server repeats it.

    Headers other than ``content-type`` are not among them: inspect them in ``admit``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    """One value per name; ``query_string`` contains all of them."""
    query_string: str
    content_type: str
    body: bytes = field(repr=False)
    ip: str

    def text(self) -> str:
        """Return the body as text.

        :raises RequestBodyError: the body is not UTF-8. It is also a :class:`ValueError`.
        """
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise RequestBodyError("the body is not text in UTF-8") from None

    def json(self) -> Any:
        """Decode the body as JSON.

        :raises RequestBodyError: the body is not JSON. It is also a :class:`ValueError`.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RequestBodyError("the body is not JSON") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to the client. A handler's result of another type is sent as JSON, with 200.

    A ``body`` of text, or of bytes in UTF-8, is sent unchanged; other values are sent as JSON.
    With status 204 or 304 there must be no body.

    :raises NonRetriableError: the status, the body or a header is invalid.
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
        return f"body: must be None with status {status}"
    problems = (_header_problem(name, value) for name, value in response.headers.items())
    return next(filter(None, problems), None)


def _header_problem(name: object, value: object) -> str | None:
    if not isinstance(name, str) or not is_header_name(name):
        return f"headers: {name!r} is not a valid header name"
    if name.lower() in _SET_BY_SERVER:
        return f"headers: {name.lower()} is set by the web server"
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        return (
            f"headers: the value of {name.lower()} must be one line of Latin-1 text, "
            "without spaces around it"
        )
    return None


def event_of(
    request: CommRequest, *, domain: str, query_string: str, fn: str, ip: str, run_id: str, now: int
) -> Event:
    """Make the event that represents a client's request and triggers its run."""
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
    """Decode the client's request from the run's event."""
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
    """Return a handler's result as it is stored: status, headers, and the body as text.

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


def is_stored(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether ``value`` has the format of a stored response."""
    match value:
        case {"status": int(), "headers": {}, "body": str()}:
            return True
    return False


def comm_response(response: Mapping[str, Any]) -> CommResponse:
    """Convert a stored response to the one that the client receives."""
    return CommResponse(
        status=response["status"],
        headers=response["headers"],
        body=response["body"].encode("utf-8"),
    )


def _text(body: str | bytes, what: str) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise OutputUnserializableError(
            f"{what}: bytes that are not text in UTF-8 cannot be stored"
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
    "is_stored",
    "request_of",
    "stored",
]
