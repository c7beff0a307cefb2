"""The REST API of runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from inngest.dev import Engine
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send

UNKNOWN = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
KEY = "signkey-test-" + "ab" * 32
Work = Callable[[httpx.AsyncClient, Engine], Awaitable[None]]


def nap(body: dict[str, Any], target: str) -> Answer:
    if body["steps"]:
        return 200, body["event"]["data"]
    return 206, [op("1h", "Sleep") | {"id": hashed("nap")}]


def talk(app: App, work: Work, **options: Any) -> None:
    app.function(config("app-fn", "x"), nap)

    async def go() -> None:
        async with running(app, **options) as engine:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                await work(http, engine)

    bounded(go)


async def started(engine: Engine) -> str:
    event_id = send(engine, "x")
    await engine.settle()
    return engine.store.runs(event_id=event_id)[0].id


def test_the_jobs_of_a_run_are_what_it_waits_for(app: App) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        run_id = await started(engine)
        (job,) = (await http.get(f"/v1/runs/{run_id}/jobs")).json()["data"]
        assert (job["kind"], job["attempt"]) == ("sleep", 0)
        await engine.advance(timedelta(hours=1))
        assert (await http.get(f"/v1/runs/{run_id}/jobs")).json()["data"] == []

    talk(app, work)


@pytest.mark.parametrize(("path", "status"), [("/v1/runs/", 200), ("/v0/runs/", 204)])
def test_a_run_is_cancelled_as_often_as_one_asks(app: App, path: str, status: int) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        run_id = await started(engine)
        for _ in range(2):
            assert (await http.delete(path + run_id)).status_code == status
        assert engine.runs()[0]["status"] == "Cancelled"
        assert (await http.delete(path + UNKNOWN)).status_code == 404
        assert (await http.delete(path + "bad")).status_code == 400

    talk(app, work)


def test_metadata_is_kept_with_the_run(app: App) -> None:
    entry = {"kind": "userland.foo", "op": "merge", "values": {"a": 1}}

    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        run_id = await started(engine)
        url = f"/v1/runs/{run_id}/metadata"
        noted = await http.post(url, json={"target": {"step_id": "nap"}, "metadata": [entry]})
        assert (noted.status_code, noted.json()) == (200, None)
        large = {**entry, "values": {"a": "x" * 70_000}}
        for target, entries, status in (
            ({"step_index": 1}, [entry], 400),
            ({}, [{**entry, "kind": "inngest.foo"}], 400),
            ({}, [{**entry, "op": "zzz"}], 400),
            ({}, [{**entry, "values": 1}], 400),
            ({}, [large], 413),
            ({}, [entry, large], 413),
            ({}, None, 400),
        ):
            answer = await http.post(url, json={"target": target, "metadata": entries})
            assert answer.status_code == status, answer.text
        history = engine.history(run_id)
        assert history is not None
        assert history["metadata"] == [{"target": {"step_id": "nap"}, **entry}]
        unknown = await http.post(
            f"/v1/runs/{UNKNOWN}/metadata", json={"target": {}, "metadata": [entry]}
        )
        assert unknown.status_code == 404

    talk(app, work)


def test_a_function_is_invoked_by_its_id_whatever_triggers_it(app: App) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        answer = await http.post("/invoke/app-fn", json={"data": {"q": 1}})
        await engine.advance(timedelta(hours=1))
        run = await engine.wait_for_run(answer.json()["id"])
        assert run["event"]["name"] == "inngest/function.invoked"
        assert run["output"]["q"] == 1
        unknown = await http.post("/invoke/nope", json={"data": {}})
        assert (unknown.status_code, set(unknown.json())) == (200, {"id", "status"})
        assert (await http.post("/invoke/app-fn", json={"data": 1})).status_code == 400
        assert (await http.post("/invoke/app-fn", content=b"{")).status_code == 400

    talk(app, work)


def test_a_function_is_invoked_whatever_its_id_is_written_with(app: App) -> None:
    app.function(config("app-a/b?c", "y"), nap)

    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        answer = await http.post("/invoke/app-a%2Fb%3Fc", json={"data": {}})
        await engine.settle()
        (run,) = engine.store.runs(event_id=answer.json()["id"])
        assert run.function_id == "app-a/b?c"

    talk(app, work)


@pytest.mark.parametrize("body", [b'{"from_step": "nap"', b'["nap"]', b"1", b"\xff"])
def test_a_rerun_that_cannot_be_read_starts_nothing(app: App, body: bytes) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        run_id = await started(engine)
        refused = await http.post(f"/v0/runs/{run_id}/rerun", content=body)
        assert refused.status_code == 400
        assert len(engine.runs()) == 1
        for whole in (b"", b" ", b"null", b"{}"):
            answer = await http.post(f"/v0/runs/{run_id}/rerun", content=whole)
            assert answer.status_code == 200, whole
        assert len(engine.runs()) == 5

    talk(app, work)


def test_bulk_cancellation_is_checked_and_refused(app: App) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        missing = await http.post("/v1/cancellations", json={"app_id": "app"})
        assert missing.status_code == 400
        assert missing.json()["error"] == "function_id is required\nstarted_before is required"
        whole = {"app_id": "app", "function_id": "fn", "started_before": "2026-01-01T00:00:00Z"}
        for answer in (
            await http.post("/v1/cancellations", json=whole),
            await http.get("/v1/cancellations"),
            await http.delete("/v1/cancellations/x"),
        ):
            assert answer.status_code == 501
            assert "Inngest Cloud only" in answer.json()["error"]

    talk(app, work)


def test_the_functions_of_an_app(app: App) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        (found,) = (await http.get("/v1/apps/app/functions")).json()
        assert (found["id"], found["config"]["triggers"]) == ("app-fn", [{"event": "x"}])
        assert (await http.get("/v1/apps/other/functions")).status_code == 404

    talk(app, work)


def test_only_invocations_need_no_key(app: App) -> None:
    async def work(http: httpx.AsyncClient, engine: Engine) -> None:
        for method, path in (
            ("POST", "/v1/signals"),
            ("POST", "/v0/gql"),
            ("POST", "/v1/cancellations"),
            ("DELETE", f"/v0/runs/{UNKNOWN}"),
            ("GET", f"/v1/runs/{UNKNOWN}/jobs"),
            ("POST", f"/v1/runs/{UNKNOWN}/metadata"),
            ("GET", "/v1/apps/app/functions"),
        ):
            answer = await http.request(method, path, json={})
            assert (answer.status_code, answer.text) == (401, "Authentication failed\n")
        assert (await http.post("/invoke/app-fn", json={})).status_code == 200

    talk(app, work, signing_key=KEY)
