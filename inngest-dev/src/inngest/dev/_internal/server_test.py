"""How a server ends: with what is under way, and with nothing else."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from inngest.dev import DevServer
from inngest.dev._internal import server as module

BODY = b'{"name": "go"}'
HEAD = (
    b"POST /e/key HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
)
LONG = 60.0


def connected(server: DevServer) -> socket.socket:
    parts = urlsplit(server.origin)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=LONG)


def until_it_is_ending(server: DevServer) -> None:
    assert server._server is not None
    (listening,) = server._server.servers
    deadline = time.monotonic() + LONG
    while listening.is_serving():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_is_being_answered_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", LONG)
    monkeypatch.setattr(module, "_STOP_TIMEOUT", LONG)
    with DevServer(port=0) as server, connected(server) as asking:
        asking.sendall(HEAD + BODY[:5])
        httpx.get(f"{server.origin}/health", timeout=LONG, trust_env=False)
        # by now the head was read
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until_it_is_ending(server)
        asking.sendall(BODY[5:])
        assert asking.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        stopping.join(LONG)
        assert not stopping.is_alive()


def test_who_never_ends_a_request_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    with DevServer(port=0) as server, connected(server) as asking:
        asking.sendall(HEAD + BODY[:5])
        httpx.get(f"{server.origin}/health", timeout=LONG, trust_env=False)
        thread = server._thread
        server.stop()
        assert thread is not None and not thread.is_alive()


def test_a_connection_that_asks_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 10 * LONG)
    with DevServer(port=0) as server, httpx.Client(timeout=LONG, trust_env=False) as client:
        assert client.get(f"{server.origin}/health").status_code == 200
        thread = server._thread
        server.stop()
        assert thread is not None and not thread.is_alive()


def test_a_server_that_has_just_ended_by_itself_is_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = DevServer(port=0)
    with server:
        pass
    loop, ended = asyncio.new_event_loop(), threading.Thread()
    loop.close()
    monkeypatch.setattr(loop, "is_closed", lambda: False)  # as when it was looked at
    ended.start()
    monkeypatch.setattr(server, "_loop", loop)
    monkeypatch.setattr(server, "_thread", ended)
    with pytest.raises(RuntimeError, match="the server is not started"):
        server.runs()
    server.stop()
    server.stop()


def test_pages_that_watch_are_let_go_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", LONG)
    monkeypatch.setattr(module, "_STOP_TIMEOUT", LONG / 2)
    with DevServer(port=0, ui=True) as server:
        for _ in range(2):
            url = f"{server.origin}/ui/api/live"
            with (
                httpx.Client(trust_env=False, timeout=LONG) as client,
                client.stream("GET", url) as stream,
            ):
                lines = stream.iter_lines()
                assert next(lines) == ": hello"
                thread = server._thread
                server.stop()
                assert thread is not None and not thread.is_alive()
                assert list(lines) == [""]
            server.start()
    assert caplog.records == []


def test_a_worker_is_told_why_a_server_without_websockets_has_no_place_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that runs while they are installed beside it."""
    monkeypatch.setattr(module, "_websockets", lambda: "none")
    with DevServer(port=0) as server, httpx.Client(timeout=LONG, trust_env=False) as client:
        answer = client.post(f"{server.origin}/v0/connect/start", content=b"")
        assert answer.status_code == 501
        assert "pip install inngest-dev[connect], and the engine started anew" in answer.text


HANDSHAKE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-version": "13",
}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/v0/connect/start", {}),
        ("POST", "/v0/connect/flush", {}),
        ("GET", "/v0/connect", HANDSHAKE),
    ],
)
def test_a_worker_is_told_that_the_extra_for_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
) -> None:
    monkeypatch.setitem(sys.modules, "inngest.dev._internal.api.connect", None)
    monkeypatch.delattr("inngest.dev._internal.api.connect", raising=False)
    with DevServer(port=0) as server, httpx.Client(timeout=LONG, trust_env=False) as client:
        answer = client.request(method, f"{server.origin}{path}", headers=headers)
        assert answer.status_code == 501
        assert "pip install inngest-dev[connect], and the engine started anew" in answer.text
    assert not any(record.exc_info for record in caplog.records)


def test_a_page_is_told_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_websockets", lambda: "none")
    with DevServer(port=0) as server, httpx.Client(timeout=LONG, trust_env=False) as client:
        upgrade = {"connection": "upgrade", "upgrade": "websocket"}
        answer = client.get(f"{server.origin}/v1/realtime/connect", headers=upgrade)
        assert answer.status_code == 501
        assert answer.text.startswith("WebSockets need: pip install inngest-dev[connect]")
