"""Pages of other sites have a browser on this machine do nothing, and show them nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from inngest.dev import DevServer, Engine, VirtualClock
from inngest.dev._internal.api.access import is_foreign_name, is_foreign_page
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.commands.dev import main
from inngest.dev._internal.conftest import App, bounded, config, running

HERE = "http://127.0.0.1:8288"
KEY = "signkey-test-" + "ab" * 32
ATTACKS: list[tuple[str, str, Any]] = [
    ("POST", "/e/any", {"name": "x"}),
    ("POST", "/invoke/app-fn", {"data": {}}),
    ("POST", "/fn/register", {"appName": "spy", "url": "http://evil.test", "functions": []}),
    ("POST", "/v0/sync", {"url": "http://evil.test"}),
    ("POST", "/v0/gql", {"query": '{run(runID:"a"){id}}'}),
    ("POST", "/v1/realtime/token", []),
    ("POST", "/v0/connect/start", None),
    ("GET", "/v1/events", None),
    ("GET", "/v0/runs", None),
    ("GET", "/dev", None),
]


def talk(app: App, work: Callable[[httpx.AsyncClient, Engine], Awaitable[None]], **o: Any) -> None:
    async def go() -> None:
        async with running(app, **o) as engine:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                await work(client, engine)

    bounded(go)


@pytest.mark.parametrize(("method", "path", "body"), ATTACKS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[", "host": "localhost"},
        {"host": "evil.example:8288"},
        {"host": "evil.example:8288", "origin": "http://evil.example:8288"},
    ],
)
def test_an_engine_without_keys_takes_nothing_from_pages_of_other_sites(
    app: App, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (200, None))

    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        # a page may send this type without asking first
        sent = {"content-type": "text/plain", **headers}
        answer = await client.request(method, path, json=body, headers=sent)
        assert answer.status_code == 401
        assert engine.store.events(None, 10) == []
        assert [each["name"] for each in engine.store.apps()] == ["app"]

    talk(app, work)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "host.docker.internal:8288"},
        {"host": "inngest:8288"},
        {"host": "[::1]:8288"},
        {"origin": HERE},
        {"origin": "http://localhost:3000"},
    ],
)
def test_programs_and_pages_of_this_machine_are_served(app: App, headers: dict[str, str]) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        answer = await client.post("/e/any", json={"name": "x"}, headers=headers)
        assert answer.status_code == 200
        assert (await client.get("/v1/events", headers=headers)).status_code == 200

    talk(app, work)


def test_whoever_has_the_keys_may_come_by_any_name(app: App) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        sent = {"host": "dev.example.com", "origin": "https://shop.example.com"}
        assert (await client.post("/e/right", json={"name": "x"}, headers=sent)).status_code == 200
        assert (await client.get("/v1/events", headers=sent)).status_code == 401
        sent["authorization"] = f"Bearer {KEY}"
        assert (await client.get("/v1/events", headers=sent)).status_code == 200

    talk(app, work, signing_key=KEY, event_key="right")


@pytest.mark.parametrize("path", ["/e/any", "/invoke/app-fn"])
def test_what_needs_no_key_of_a_keyed_engine_is_not_for_pages_of_other_sites_either(
    app: App, path: str
) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (200, None))

    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        by_name = {"host": "dev.example.com:8288"}
        from_there = {**by_name, "origin": "http://dev.example.com:8288"}
        refused = await client.post(path, json={"name": "x"}, headers=from_there)
        assert (refused.status_code, engine.store.events(None, 10)) == (401, [])
        taken = await client.post(path, json={"name": "x"}, headers=by_name)
        assert taken.status_code == 200

    talk(app, work, signing_key=KEY)


def test_the_name_that_the_engine_listens_on_is_its_own() -> None:
    assert not is_foreign_name("dev.example.com:8288", "dev.example.com")
    assert is_foreign_name("dev.example.com.evil.example", "dev.example.com")
    assert is_foreign_name("127.0.0.1.evil.example", "127.0.0.1")
    assert is_foreign_name("localhost.evil.example:80", "localhost")
    assert is_foreign_page("http://localhost.evil.example", "localhost")
    assert not is_foreign_page("http://192.168.1.5:3000", "192.168.1.5:8288")


def test_the_server_refuses_a_name_that_leads_to_it() -> None:
    with DevServer(port=0, engine=Engine(clock=VirtualClock())) as server:
        url = f"{server.origin}/dev"
        assert httpx.get(url, trust_env=False, timeout=60).status_code == 200
        foreign = {"host": "evil.example"}
        assert httpx.get(url, headers=foreign, trust_env=False, timeout=60).status_code == 401


@pytest.mark.parametrize("key", ["", "  ", "signkey-test-"])
def test_a_key_that_anybody_has_is_none(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="signing_key is empty"):
        Engine(signing_key=key)
    with pytest.raises(SystemExit):
        main(["--signing-key", key, "--port", "0"])
    assert "the key is empty" in capsys.readouterr().err
