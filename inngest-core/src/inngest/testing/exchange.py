"""Channels to an app under test, and a stand-in for the Inngest API server."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

TIMEOUT = 60.0
"""Upper bound in seconds for any single operation. No test waits for time to pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the app. ``target`` is the path with the query string."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The app's response. ``headers`` keeps repeated headers, in the order received."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header, or ``None``; fail if it occurs more than once."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"the response has {len(found)} headers {name}"
        return found[0] if found else None

    def json(self) -> Any:
        """Decode the body as JSON."""
        return json.loads(self.body)


class Incoming(Protocol):
    """A response whose headers have arrived and whose body may still be on its way."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    def header(self, name: str) -> str | None:
        """Return the value of a header, or ``None``."""

    def read(self, size: int | None = None) -> bytes:
        """Read ``size`` bytes, or up to the end; blocks until they have arrived."""
        ...

    def close(self) -> None:
        """Close the connection, as a client that disconnects."""


class Channel(Protocol):
    """A connection to a running app. ``send`` may be called from several threads at once."""

    @property
    def origin(self) -> str:
        """The app's origin, as the app itself sees it."""
        ...

    def send(self, request: Request) -> Reply:
        """Send a request and return its response."""
        ...

    def stream(self, request: Request) -> Incoming:
        """Send a request; return when the response headers have arrived.

        Called only for transports that stream.
        """
        ...


class HTTPChannel:
    """A channel to an app on an HTTP server."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    @property
    def origin(self) -> str:
        """The origin that requests are sent to."""
        return self._origin

    def send(self, request: Request) -> Reply:
        """Send a request on a new connection and return its response."""
        incoming = self.stream(request)
        try:
            return Reply(
                status=incoming.status, headers=incoming.headers, body=incoming.read() or b""
            )
        finally:
            incoming.close()

    def stream(self, request: Request) -> HTTPIncoming:
        """Send a request on a new connection; return when the response headers have arrived."""
        connection = http.client.HTTPConnection(urlsplit(self._origin).netloc, timeout=TIMEOUT)
        connection.putrequest(
            request.method,
            request.target,
            skip_host="host" in request.headers,
            skip_accept_encoding=True,
        )
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body or request.method in ("POST", "PUT"):
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders()
        with suppress(OSError):  # an app may close the connection before it has read the body
            connection.send(request.body)
        return HTTPIncoming(connection)


class HTTPIncoming:
    """A response on its own connection."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        try:
            self._response = connection.getresponse()
        except BaseException:
            connection.close()
            raise

    @property
    def status(self) -> int:
        """The status code."""
        return self._response.status

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, in the order received."""
        return self._response.getheaders()

    def header(self, name: str) -> str | None:
        """Return the value of a header, or ``None``."""
        return self._response.getheader(name)

    def read(self, size: int | None = None) -> bytes:
        """Read ``size`` bytes, or up to the end; blocks until they have arrived."""
        return self._response.read(size)

    def close(self) -> None:
        """Close the response and its connection."""
        self._response.close()
        self._connection.close()


class Inbox:
    """An HTTP server that records all requests and responds with ``status`` and ``answer``.

    Each entry of ``requests`` is the path, the headers, and the decoded JSON body.
    """

    def __init__(self) -> None:
        self.status = 200
        self.answer: dict[str, Any] = {"ok": True, "modified": True}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.origin: str = ""

    @contextmanager
    def open(self) -> Iterator[Inbox]:
        """Serve on a free port for the duration of the block."""
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                inbox.requests.append((self.path, headers, json.loads(body)))
                answer = json.dumps(inbox.answer).encode()
                self.send_response(inbox.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        self.origin = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join(TIMEOUT)
            server.server_close()


__all__ = [
    "TIMEOUT",
    "Channel",
    "HTTPChannel",
    "HTTPIncoming",
    "Inbox",
    "Incoming",
    "Reply",
    "Request",
]
