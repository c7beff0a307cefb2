"""Convert DigitalOcean's raw web events and results to and from the library's own."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, TypedDict

from inngest.transport import CommRequest, CommResponse, parse_query


class Result(TypedDict):
    """What DigitalOcean turns into a response."""

    body: str
    headers: dict[str, str]
    statusCode: int


def from_event(event: object, context: object) -> CommRequest | str:
    """Read an event, or say what is wrong with it."""
    http: Any = event.get("http") if isinstance(event, dict) else None
    if not isinstance(http, dict):
        return "the event has no http: deploy the function with `web: raw`"
    headers, body, query = http.get("headers"), http.get("body"), http.get("queryString")
    if not isinstance(headers, dict):
        return "the event has no http.headers"
    if not isinstance(query, str):
        return "the event has no http.queryString: deploy the function with `web: raw`"
    if not isinstance(body, str):
        return "the event has no http.body: deploy the function with `web: raw`"
    try:
        decoded = base64.b64decode(body, validate=True) if http.get("isBase64Encoded") else None
    except ValueError:  # it is not ASCII, or no Base64
        return "the event's http.body is not the Base64 that it says it is"
    method, parameters = str(http.get("method", "")), parse_query(query)
    if method.upper() == "POST" and parameters.get("fnId") and not parameters.get("stepId"):
        return "the query parameter stepId is missing"
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    return CommRequest(
        method=method,
        url=_url(
            named.get("host", "localhost"),
            str(http.get("path") or ""),
            _text_of(context, "api_host"),
            _text_of(context, "function_name"),
        ),
        headers=named,
        query=parameters,
        body=body.encode("utf-8", "replace") if decoded is None else decoded,
        raw={"event": event, "context": context},
    )


def to_result(response: CommResponse) -> Result:
    """Write a response."""
    return {
        "body": response.body.decode(),
        "headers": dict(response.headers),
        "statusCode": response.status,
    }


def _text_of(context: object, name: str) -> str:
    value = getattr(context, name, None)
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=64)
def _url(host: str, path: str, api_host: str, name: str) -> str:
    """The function's URL with the path of the event, which has only what comes after it."""
    if not api_host or not name:
        return f"https://{host}/{path.lstrip('/')}"
    namespace, _, function = name.strip("/").partition("/")
    if "/" not in function:  # not in a package: the URL says so, the name does not
        function = f"default/{function}"
    origin = api_host if "://" in api_host else f"https://{api_host}"
    return f"{origin.rstrip('/')}/api/v1/web/{namespace}/{function}{path.rstrip('/')}"
