"""The HTTP face: documented answers to good and bad input, and the server in its thread."""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from inngest.dev import DevServer, Engine, UnusableDatabaseError, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.commands.dev import main
from inngest.dev._internal.conftest import URL, App, bounded, config, running

SEED = {"x-inngest-event-id-seed": "1743130137367,eii2YKXRVTJPuA=="}


def talk(app: App, work: Callable[[httpx.AsyncClient, Engine], Awaitable[None]], **o: Any) -> None:
    async def go() -> None:
        async with running(app, **o) as engine:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://dev") as client:
                await work(client, engine)

    bounded(go)


def test_a_seed_gives_the_same_ids_and_starts_once(app: App) -> None:
    app.function(config("app-fn", "ev/*"), lambda b, t: (200, None))

    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        for _ in range(2):
            answer = await client.post(
                "/e/k", json=[{"name": "ev/s1"}, {"name": "ev/s2"}], headers=SEED
            )
            assert answer.json()["ids"] == [
                "01JQDAE4RQF8MBCR55T5AK4KXS",
                "01JQDAE4RQF8MBCR55T5AK4KXT",
            ]
            assert answer.headers["x-inngest-server-kind"] == "dev"
        assert len(engine.runs()) == 2

    talk(app, work)


OBJECT = "Go struct field raw.data of type map[string]interface {}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"data":{}}', "event name is empty"),
        ('{"name":"inngest/foo"}', "event name is reserved for internal use: inngest/foo"),
        ('{"name":"x","data":[1]}', f"json: cannot unmarshal array into {OBJECT}"),
        ('{"name":"x","data":"s"}', f"json: cannot unmarshal string into {OBJECT}"),
        ('{"name":"x","ts":1}', "timestamp is before Jan 1, 1980"),
        (
            '{"name":"x","ts":1.5}',
            "json: cannot unmarshal number 1.5 into Go struct field raw.ts of type int64",
        ),
        ("{not json", "invalid character 'n'"),
        ('{"name":"x","data":{"n":NaN}}', "invalid character"),
        ("[" * 100_000, "invalid character"),
        ("123", "Request body must contain an event object or an array of event objects"),
        (
            json.dumps({"name": "x", "meta": {"sessions": dict.fromkeys("abcdef", "x")}}),
            "event sessions can include at most 5 entries",
        ),
        (json.dumps({"name": "x", "data": {"x": "y" * 3_145_738}}), "Event is over the max size"),
    ],
)
def test_bad_events_are_refused(app: App, body: str, error: str) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        answer = await client.post("/e/k", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(error)
        assert answer.json()["ids"] == [""]

    talk(app, work)


def test_the_size_of_an_event_is_in_bytes_alone_or_in_a_list(app: App) -> None:
    event = {"name": "x", "data": {"x": "é" * 1_000_000}}  # 2 MB, and 6 MB if they were escaped
    twice = {"name": "x", "data": {"x": "é" * 1_600_000}}

    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        for body in (event, [event]):
            content = json.dumps(body, ensure_ascii=False).encode()
            assert (await client.post("/e/k", content=content)).status_code == 200
        for body in (twice, [twice]):
            content = json.dumps(body, ensure_ascii=False).encode()
            answer = await client.post("/e/k", content=content)
            assert answer.json()["error"].startswith("Event is over the max size"), body

    talk(app, work)


def test_events_before_a_bad_one_are_taken(app: App) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        answer = await client.post("/e/k", json=[{"name": "a"}, {"name": "inngest/b"}])
        assert answer.status_code == 400
        assert len(answer.json()["ids"]) == 1
        assert len(engine.store.events(None, 10)) == 1
        answer = await client.post("/e/k", json=[{"name": "b"}] * 5001)
        assert answer.json()["error"] == "Cannot have more than 5000 events in a batch"
        assert len(answer.json()["ids"]) == 5000
        for body in (b"", b"[]"):
            answer = await client.post("/e/k", content=body)
            assert (answer.status_code, answer.json()) == (200, {"ids": [""], "status": 200})
        assert (await client.post("/e/", content="{}")).status_code == 303
        assert (await client.get("/e/k")).status_code == 405

    talk(app, work)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"concurrency": [{"limit": 1, "scope": "env"}]}, "needs a key"),
        ({"debounce": {"period": "500ms"}}, "debounce.period"),
        ({"cancel": [{"event": "x", "if": "1 + 1 == 2"}]}, "cancel.if"),
        ({"triggers": [{"cron": "@hourly"}]}, "'@hourly'"),
        ({"triggers": [{"event": "a", "expression": "event.data.x >"}]}, "event.data.x >"),
        ({"triggers": [{"event": "a"}, {"event": "a"}]}, "trigger twice"),
        ({"name": ""}, "no name"),
        ({"steps": {}}, "exactly one step"),
    ],
)
def test_an_invalid_function_is_refused_by_name(
    app: App, change: dict[str, Any], named: str
) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        body = {"appName": "app", "url": URL, "functions": [config("app-fn", "x") | change]}
        answer = await client.post("/fn/register", json=body)
        assert answer.status_code == 400
        assert named in answer.json()["error"]
        assert engine.store.functions() == []

    talk(app, work)


def test_registration_says_whether_something_changed(app: App) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        body = {"appname": "app", "url": URL, "functions": [config("app-fn", "x")]}
        modified = [
            (await client.post("/fn/register", json=body)).json()["modified"] for _ in range(2)
        ]
        assert modified == [True, False]
        answer = await client.post(
            "/fn/register", json=body, headers={"x-inngest-expected-server-kind": "cloud"}
        )
        assert answer.json() == {"error": "Expected server kind cloud, got dev"}
        answer = await client.post("/fn/register", json={"url": URL})
        assert answer.json()["error"] == "App ID required"

    talk(app, work)


def test_a_keyed_engine_asks_for_its_keys(app: App) -> None:
    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        hashed = "98104f3a80e5440b3f22ef0af6da56487fd385a1a8a3163268d7b465adb9d013"
        assert (await client.get("/v0/runs")).status_code == 401
        answer = await client.get("/v0/runs", headers={"authorization": f"Bearer {hashed}"})
        assert answer.status_code == 200
        assert answer.headers["x-inngest-server-kind"] == "cloud"
        assert (await client.post("/e/wrong", json={"name": "x"})).status_code == 401
        assert (await client.post("/e/right", json={"name": "x"})).status_code == 200

    key = "signkey-test-7468697320697320612074657374206b65792121"
    talk(app, work, signing_key=key, event_key="right")


def test_rest_answers(app: App) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (200, {"out": 1}))

    async def work(client: httpx.AsyncClient, engine: Engine) -> None:
        event_id = (await client.post("/e/k", json={"name": "x"})).json()["ids"][0]
        run = await engine.wait_for_run(event_id)
        listed = (await client.get(f"/v1/events/{event_id}/runs")).json()["data"]
        assert [r["output"] for r in listed] == [{"out": 1}]
        shown = (await client.get(f"/v1/runs/{run['run_id']}")).json()["data"]
        assert shown["status"] == "Completed"
        assert shown["ended_at"]
        history = (await client.get(f"/v0/runs/{run['run_id']}/history")).json()["data"]
        assert history["attempts"][0]["outcome"] == "returned"
        unknown = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
        for path, status in {
            f"/v0/runs/{run['run_id']}/actions": 410,
            "/v0/runs/bad/batch": 400,
            "/v1/runs/bad": 400,
            f"/v1/runs/{unknown}": 404,
            "/v1/events/bad/runs": 400,
            f"/v1/events/{unknown}": 404,
            f"/v1/events/{unknown}/runs": 200,
            "/v1/events?limit=x": 400,
            "/health": 200,
            "/dev": 200,
            "/nope": 404,
        }.items():
            assert (await client.get(path)).status_code == status, path
        assert (await client.delete(f"/v1/runs/{unknown}")).status_code == 404
        assert (await client.post("/v0/sync", json={"url": "x"})).status_code == 400

    talk(app, work)


def test_the_server_runs_in_a_thread(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with DevServer(port=0, engine=Engine(clock=VirtualClock(), db=str(path))) as server:
        sent = httpx.post(f"{server.origin}/e/k", json={"name": "x"}, timeout=60)
        assert sent.status_code == 200
        server.advance(timedelta(days=1))
        assert server.runs() == []
        assert server.history("none") is None
        with pytest.raises(TimeoutError, match="no run"):
            server.wait_for_run(sent.json()["ids"][0], timeout=0.05)
    path.write_bytes(b"not a database at all, but long enough to be one" * 40)
    with pytest.raises(UnusableDatabaseError):
        DevServer(port=0, engine=Engine(db=str(path))).start()


def test_a_taken_port_is_said_clearly(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "the port is taken. Is another engine running?" in capsys.readouterr().err


def test_an_answer_does_not_wait_for_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent in two pieces, it would wait for the client's delayed acknowledgement: 40 ms."""
    made: list[socket.socket] = []
    create = socket.create_server

    def creating(*args: Any, **options: Any) -> socket.socket:
        made.append(create(*args, **options))
        return made[-1]

    monkeypatch.setattr(socket, "create_server", creating)
    with DevServer(port=0):
        (listener,) = made
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
