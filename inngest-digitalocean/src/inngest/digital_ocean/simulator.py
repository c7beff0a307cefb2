"""Simulate DigitalOcean Functions: a WSGI app that calls ``main`` as the platform would.

For development and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import responses
from typing import Any
from wsgiref.util import application_uri

FUNCTION = "/fn-local/sample/inngest"
FULL_PATH = f"/api/v1/web{FUNCTION}"
"""Where the function is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the platform tells a function about where it runs."""

    api_host: str
    function_name: str = FUNCTION
    namespace: str = "fn-local"
    request_id: str = "local"


class Simulator:
    """A WSGI app around one web function.

    :param main: what ``inngest.digital_ocean.serve`` made, or any ``main(event, context)``.
    """

    def __init__(self, main: Callable[[dict[str, object], Any], Mapping[str, object]]) -> None:
        self._main = main

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., object]
    ) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path != FULL_PATH and not path.startswith(f"{FULL_PATH}/"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [f"The function is at {FULL_PATH}".encode()]
        context = Context(api_host=application_uri(environ).rstrip("/"))
        result: Any = self._main({"http": _http(environ, path[len(FULL_PATH) :])}, context)
        status = int(result.get("statusCode", 200))
        body = str(result.get("body", "")).encode()
        answered = result.get("headers") or {}
        headers = [(name.title(), str(value)) for name, value in answered.items()]
        phrase = responses.get(status, "Unknown")
        start_response(f"{status} {phrase}", [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _http(environ: Mapping[str, Any], path: str) -> dict[str, object]:
    """The ``http`` of a raw web event."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    return {
        "headers": {**headers, "content-type": environ.get("CONTENT_TYPE", "")},
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "queryString": environ.get("QUERY_STRING", ""),
        "body": environ["wsgi.input"].read(length).decode("utf-8", "replace"),
        "isBase64Encoded": False,
    }


__all__ = ["FULL_PATH", "FUNCTION", "Context", "Simulator"]
