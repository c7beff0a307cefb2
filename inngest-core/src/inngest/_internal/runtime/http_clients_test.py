from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from traceback import TracebackException
from typing import Any, ClassVar

import httpx
import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.errors import SendEventsError
from inngest._internal.event import Event
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime import reading
from inngest._internal.runtime.http_clients import HTTPClients

KEY = "very-secret-event-key"


class EventAPI(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ports: ClassVar[list[int]] = []
    envs: ClassVar[list[str | None]] = []
    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.ports.append(self.client_address[1])
        self.envs.append(self.headers["x-inngest-env"])
        self.paths.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"ids":["1"],"status":200}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(60)
    server.server_close()


@pytest.fixture
def origin() -> Iterator[str]:
    with serving(EventAPI) as found:
        yield found


def client_for(origin: str) -> Inngest:
    return Inngest(app_id="a", event_api_base_url=origin, event_key=KEY, is_production=False)


FORKING = """
import os, sys
import inngest
from inngest._internal.runtime import http_clients

limits_of = http_clients._limits

def unhurried(kind):
    limits = limits_of(kind)
    limits.keepalive_expiry = None  # by default connections expire after five seconds
    return limits

http_clients._limits = unhurried
client = inngest.Inngest(app_id="a", is_production=False, event_api_base_url=sys.argv[1])

def send():
    client.send_sync(inngest.Event(name="e"))

send()
if os.fork() == 0:
    send()
    os._exit(0)
os.wait()
send()
client.close()
"""


def test_a_forked_process_has_a_connection_of_its_own(origin: str) -> None:
    """For example, under ``gunicorn --preload``."""
    EventAPI.ports.clear()
    command = [sys.executable, "-W", "error", "-c", FORKING, origin]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    parent, child, again = EventAPI.ports
    assert parent == again != child


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def set_proxy(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_proxy(url: str) -> None:
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv("HTTP_PROXY", url)

    return set_proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_on_this_machine_is_asked_without_the_proxy(
    host: str, origin: str, set_proxy: Callable[[str], None]
) -> None:
    set_proxy("http://127.0.0.1:9")
    client = client_for(origin.replace("127.0.0.1", host))
    assert client.send_sync(Event(name="e")) == ["1"]
    assert asyncio.run(client.send(Event(name="e"))) == ["1"]
    client.close()


def test_what_is_elsewhere_is_asked_through_the_proxy(
    origin: str, set_proxy: Callable[[str], None]
) -> None:
    set_proxy(origin)
    client = client_for("http://events.invalid")
    assert client.send_sync(Event(name="e")) == ["1"]
    assert asyncio.run(client.send(Event(name="e"))) == ["1"]
    client.close()


UNUSABLE = ["socks9://127.0.0.1:9", "http://127.0.0.1:port"]
"""Such as a SOCKS proxy where there is no library for it."""


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_cannot_be_used_is_not_in_the_way_to_this_machine(
    proxy: str, origin: str, set_proxy: Callable[[str], None]
) -> None:
    set_proxy(proxy)
    client = client_for(origin)
    assert client.send_sync(Event(name="e")) == ["1"]
    assert asyncio.run(client.send(Event(name="e"))) == ["1"]
    client.close()


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_cannot_be_used_is_told_to_those_who_need_it(
    proxy: str, set_proxy: Callable[[str], None]
) -> None:
    set_proxy(proxy)
    clients, request = HTTPClients(), Request(method="GET", url="http://events.invalid")
    for outcome in (clients.fetch(request), asyncio.run(clients.fetch_async(request))):
        assert isinstance(outcome, FetchError)
        assert str(outcome.cause).startswith("the environment's proxy cannot be used: ")
    clients.close()


def test_send_works_in_two_loops_one_after_the_other(origin: str) -> None:
    client = client_for(origin)

    async def main() -> list[str]:
        try:
            return await client.send(Event(name="e"))
        finally:
            await client.aclose()

    assert asyncio.run(main()) == ["1"]
    assert asyncio.run(main()) == ["1"]


def test_send_works_in_two_loops_when_nobody_closes_the_client(origin: str) -> None:
    client = client_for(origin)
    for _ in range(3):
        assert asyncio.run(client.send(Event(name="e"))) == ["1"]
    assert len(client._http._async) == 1
    del client
    gc.collect()  # an open connection would cause a ResourceWarning, which is an error


@pytest.mark.parametrize("is_async", [False, True])
def test_the_event_key_is_not_in_the_log_of_httpx(
    origin: str, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_for(origin)

    async def main() -> None:
        await client.send(Event(name="e"))
        await client.aclose()

    with caplog.at_level(logging.INFO):
        if is_async:
            asyncio.run(main())
        else:
            client.send_sync(Event(name="e"))
            client.close()
    assert "/e/***" in caplog.text
    assert KEY not in caplog.text


def test_who_hooks_into_the_clients_does_not_see_the_event_key(
    origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentry patches the clients, and records the URL of every request."""
    seen: list[str] = []
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def sending(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        seen.append(str(request.url))
        return send(client, request, **options)

    async def sending_async(
        client: httpx.AsyncClient, request: httpx.Request, **options: Any
    ) -> httpx.Response:
        seen.append(str(request.url))
        return await send_async(client, request, **options)

    monkeypatch.setattr(httpx.Client, "send", sending)
    monkeypatch.setattr(httpx.AsyncClient, "send", sending_async)
    EventAPI.paths.clear()
    client = client_for(origin)

    async def main() -> None:
        await client.send(Event(name="e"))
        await client.aclose()

    client.send_sync(Event(name="e"))
    asyncio.run(main())
    assert seen == [f"{origin}/e/***"] * 2
    assert EventAPI.paths == [f"/e/{KEY}"] * 2


def test_a_client_can_be_used_after_it_was_closed(origin: str) -> None:
    client = client_for(origin)
    for _ in range(2):
        assert client.send_sync(Event(name="e")) == ["1"]
        client.close()


def test_a_thread_may_close_the_client_that_another_one_is_about_to_use(
    origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(origin)
    given = HTTPClients._sync_client
    closings = iter([client.close])

    def give(self: HTTPClients, *kind: Any) -> httpx.Client:
        found = given(self, *kind)
        next(closings, lambda: None)()
        return found

    monkeypatch.setattr(HTTPClients, "_sync_client", give)
    assert client.send_sync(Event(name="e")) == ["1"]
    client.close()


@pytest.mark.parametrize("env", ["gr\u00f6\u00dfe", "\u65e5\u672c"])
def test_a_branch_may_be_named_in_any_language(env: str, origin: str) -> None:
    """Branch names come from git, and are sent as UTF-8, which HTTP libraries read as Latin-1."""
    client = Inngest(app_id="a", env=env, event_api_base_url=origin, is_production=False)
    EventAPI.envs.clear()

    async def send() -> None:
        await client.send(Event(name="e"))
        await client.aclose()

    client.send_sync(Event(name="e"))
    asyncio.run(send())
    assert EventAPI.envs == [env.encode().decode("latin-1")] * 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[/", "nonsense"])
def test_no_answer_is_a_value_in_both_worlds(url: str) -> None:
    clients = HTTPClients()
    request = Request(method="GET", url=url, timeout=1)

    async def main() -> Response | FetchError:
        answer = await clients.fetch_async(request)
        await clients.close_current_loop()
        return answer

    for outcome in (clients.fetch(request), asyncio.run(main())):
        assert isinstance(outcome, FetchError)
        assert isinstance(outcome.cause, httpx.HTTPError | httpx.InvalidURL | OSError)
    clients.close()


class Endless(BaseHTTPRequestHandler):
    """Sends a body until the client disconnects."""

    part = b" "

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(self.part)
                self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("most", "says"),
    [(2**60, "the answer did not end in 0.2 seconds"), (1000, "an answer of more than 1000")],
)
def test_an_answer_without_end_is_none(
    is_async: bool, most: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPX's timeout applies to each chunk, and chunks never stop arriving."""
    monkeypatch.setattr(reading, "MAX_BYTES", most)
    monkeypatch.setattr(reading, "MIN_BYTES_PER_SECOND", float("inf"))
    clients = HTTPClients()

    async def ask(request: Request) -> Response | FetchError:
        answer = await clients.fetch_async(request)
        await clients.close_current_loop()
        return answer

    with serving(Endless) as origin:
        request = Request(method="GET", url=origin, timeout=0.2)
        outcome = asyncio.run(ask(request)) if is_async else clients.fetch(request)
    assert isinstance(outcome, FetchError)
    assert says in str(outcome.cause)
    clients.close()


def test_an_unreachable_event_api_keeps_its_cause_and_hides_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(SendEventsError) as caught:
        client_for("http://127.0.0.1:1").send_sync(Event(name="e"))
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert KEY not in str(caught.value)
    assert len(pauses) == 4


@pytest.mark.parametrize("is_async", [False, True])
def test_a_report_of_a_failed_request_with_all_variables_shows_no_key(is_async: bool) -> None:
    """Sentry's, for example, include the variables of every frame."""
    headers = {"authorization": f"Bearer {KEY}"}
    request = Request(method="POST", url=f"http://127.0.0.1:9/e/{KEY}", headers=headers)
    clients = HTTPClients()

    async def fetch() -> Response | FetchError:
        return await clients.fetch_async(request)

    outcome = asyncio.run(fetch()) if is_async else clients.fetch(request)
    clients.close()
    assert isinstance(outcome, FetchError)
    report = TracebackException.from_exception(outcome.cause, capture_locals=True)
    text = "".join(report.format())
    assert "httpcore.ConnectError" in text and "httpx.ConnectError" in text
    assert KEY not in text


def test_requests_do_not_show_keys() -> None:
    request = Request(method="POST", url=f"/e/{KEY}", headers={"a": KEY}, body=KEY.encode())
    assert KEY not in repr(request)
