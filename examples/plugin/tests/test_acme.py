"""What Inngest's kits ask of a plugin, and what this one adds to it."""

from __future__ import annotations

import asyncio
import datetime
import json
import wsgiref.simple_server
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import falcon
import falcon.asgi
import falcon.testing
import msgspec
import pytest
from acme_inngest.audit import audit_to
from acme_inngest.plugin import plugin

import inngest
from inngest.plugins import NotConfigured
from inngest.testing import (
    Channel,
    HTTPChannel,
    MiddlewareSuite,
    PluginSuite,
    SerializerSuite,
    TransportSuite,
    play,
)


class TestPlugin(PluginSuite):
    name = "acme"
    lazy = ("falcon", "msgspec")

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        type(self).options = {"audit_file": str(tmp_path / "audit")}


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


class Server(wsgiref.simple_server.WSGIServer):
    request_queue_size = 16


class TestTransport(TransportSuite):
    framework = "falcon"

    def build(self, client: inngest.Inngest, functions: Any, **options: Any) -> Any:
        app = falcon.App()
        inngest.serve(app, client, functions, **options)
        return app

    @contextmanager
    def connect(self, app: Any) -> Iterator[Channel]:
        with running(app) as origin:
            yield HTTPChannel(origin)


@contextmanager
def running(app: Any) -> Iterator[str]:
    """A threading WSGI server, for as long as the block lasts."""
    import socketserver

    class Threading(socketserver.ThreadingMixIn, Server):
        daemon_threads = True

    server = wsgiref.simple_server.make_server("127.0.0.1", 0, app, Threading, Quiet)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()


class TestAudit(MiddlewareSuite):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.file = tmp_path / "audit"

    def build(self) -> Any:
        return audit_to(str(self.file))


class Order(msgspec.Struct):
    id: int
    placed: datetime.datetime
    lines: list[str] = []


ORDER = Order(1, datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), ["a"])


class TestMsgspec(SerializerSuite):
    serializer = plugin.inngest_serializers()[0].serializer
    values = ((ORDER, Order), ([ORDER], list[Order]), ({"x": ORDER}, dict[str, Order]))
    mismatches = (({"id": "one"}, Order), ([1], dict[str, int]))


@pytest.fixture
def client() -> inngest.Inngest:
    return inngest.Inngest(app_id="shop", is_production=False)


def declared(client: inngest.Inngest) -> inngest.Function[Any]:
    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync[Any]) -> str:
        ctx.step.run("pay", lambda: "paid")
        return "done"

    return fn


def test_an_asgi_app_is_served_too(client: inngest.Inngest) -> None:
    app = falcon.asgi.App()
    inngest.serve(app, client, [declared(client)])

    async def ask() -> Any:
        async with falcon.testing.ASGIConductor(app) as conductor:
            return await conductor.simulate_get("/api/inngest")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json["function_count"]) == (200, 1)


def test_an_app_that_has_it_installed_has_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "audit"
    client = inngest.Inngest(
        app_id="shop",
        is_production=False,
        plugin_options={"acme": {"audit_file": str(file)}},
        serializer="msgspec",
    )
    seen: list[Order] = []

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync[Any]) -> str:
        seen.append(ctx.step.run("find", lambda: ORDER, output_type=Order))
        return ctx.step.run("ship", lambda: "shipped")

    assert play(client, fn).body == "shipped"
    assert len(seen) > 1
    assert all(order == ORDER for order in seen)
    steps = [json.loads(line)["step"] for line in file.read_text().splitlines()]
    assert steps == ["find", "ship"]


def test_steps_and_events_are_noted(tmp_path: Path) -> None:
    file = tmp_path / "audit"
    client = inngest.Inngest(app_id="shop", is_production=False, middleware=[audit_to(str(file))])
    assert play(client, declared(client)).status == 200
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"app": "shop", "function": "shop-fn", "run": "run", "step": "pay"}
    ]


def test_without_a_file_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_AUDIT_FILE", raising=False)
    answer = plugin.inngest_middleware({})
    assert isinstance(answer, NotConfigured)
    assert "ACME_AUDIT_FILE" in answer.reason
    monkeypatch.setenv("ACME_AUDIT_FILE", "somewhere")
    (entry,) = plugin.inngest_middleware({})  # type: ignore[misc]
    assert entry.name == "acme-audit"
