"""How a test kit talks to an app, and the Inngest server that it pretends to be."""

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
"""Seconds that anything may take. Nothing here waits for time to pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the app. ``target`` is the path with its query."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. ``headers`` are as they came, each of them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one value of a header; ``None`` without it."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"the answer has {len(found)} headers {name}"
        return found[0] if found else None

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Incoming(Protocol):
    """An answer that is still coming."""

    @property
    def status(self) -> int:
        """The status, which came first."""
        ...

    def header(self, name: str) -> str | None:
        """The value of a header; ``None`` without it."""

    def read(self, size: int | None = None) -> bytes:
        """Wait for so many bytes, or for the end."""
        ...

    def close(self) -> None:
        """Leave, as a client does whose patience has ended."""


class Channel(Protocol):
    """A way to a running app. ``send`` may be called from several threads at once."""

    @property
    def origin(self) -> str:
        """The origin under which the app sees itself."""
        ...

    def send(self, request: Request) -> Reply:
        """Make a request and wait for its answer."""
        ...

    def stream(self, request: Request) -> Incoming:
        """Make a request and return as soon as the headers of its answer are there.

        Only asked of transports that stream.
        """
        ...


class HTTPChannel:
    """A channel to an app on a real server."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    @property
    def origin(self) -> str:
        """The origin that requests go to."""
        return self._origin

    def send(self, request: Request) -> Reply:
        """Make a request on a connection of its own."""
        incoming = self.stream(request)
        try:
            return Reply(
                status=incoming.status, headers=incoming.headers, body=incoming.read() or b""
            )
        finally:
            incoming.close()

    def stream(self, request: Request) -> HTTPIncoming:
        """Make a request and return when the headers of the answer are there."""
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
        with suppress(OSError):  # an app may refuse a body before all of it has come
            connection.send(request.body)
        return HTTPIncoming(connection)


class HTTPIncoming:
    """An answer on a connection of its own."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        try:
            self._response = connection.getresponse()
        except BaseException:
            connection.close()
            raise

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers."""
        return self._response.getheaders()

    def header(self, name: str) -> str | None:
        """The value of a header; ``None`` without it."""
        return self._response.getheader(name)

    def read(self, size: int | None = None) -> bytes:
        """Wait for so many bytes, or for the end."""
        return self._response.read(size)

    def close(self) -> None:
        """Leave."""
        self._response.close()
        self._connection.close()


class Inbox:
    """A server that takes registrations, and answers with ``status`` and ``answer``."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: dict[str, Any] = {"ok": True, "modified": True}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.origin: str = ""

    @contextmanager
    def open(self) -> Iterator[Inbox]:
        """Listen while the block lasts."""
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
