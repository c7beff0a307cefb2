"""The dashboard answers its own page, and nobody else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.conftest import URL, App, bounded, config, hashed, op
from inngest.dev._internal.dashboard.guard import CLOCK, HEADER
from inngest.dev._internal.dashboard.live import MAX_IDS, Live
from inngest.dev._internal.dashboard.routes import Dashboard
from inngest.dev._internal.drivers.http import HttpDriver
from inngest.dev._internal.model.values import Event, Run

ORIGIN = "http://127.0.0.1:8288"
KEY = "signkey-test-" + "ab" * 32


class Page:
    """Asks like the dashboard's page."""

    def __init__(self, client: httpx.AsyncClient, engine: Engine, dashboard: Dashboard) -> None:
        self.client, self.engine, self.dashboard = client, engine, dashboard
        self.token = dashboard.guard.token

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(
            f"/ui/api/{path}", params=query, headers={HEADER: self.token}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        sent = {HEADER: self.token, **headers}
        return await self.client.post(f"/ui/api/{path}", json=body, headers=sent)


@asynccontextmanager
async def opened(app: App, *, host: str = "127.0.0.1", **options: Any) -> AsyncIterator[Page]:
    engine = Engine(
        clock=VirtualClock(), driver=HttpDriver(transport=httpx.ASGITransport(app.asgi)), **options
    )
    dashboard = Dashboard(engine, host)
    dashboard.schemas = {"typed": {"type": "object"}}
    await engine.start()
    try:
        if app.configs:
            engine.register({"appName": "app", "url": URL, "functions": app.configs})
        served = build_app(engine, dashboard.routes())
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Page(client, engine, dashboard)
    finally:
        await engine.stop()


def two_steps(app: App) -> None:
    def answer(body: dict[str, Any], target: str) -> tuple[int, Any]:
        if body["event"]["data"].get("fails"):
            return 500, {"name": "ValueError", "message": "no"}
        for name in ("a", "b"):
            if hashed(name) not in body["steps"]:
                return 206, [op(name, "StepRun", data=name.upper())]
        return 200, "done"

    app.function(config("app-fn", "go"), answer)


def during(app: App, work: Callable[[Page], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with opened(app, **options) as page:
            await work(page)

    bounded(run)


def test_the_page_holds_the_token_and_forbids_foreign_content(app: App) -> None:
    async def work(page: Page) -> None:
        answer = await page.client.get("/")
        assert f'content="{page.token}"' in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        for name in re.findall(r'(?:src|href)="/ui/([^"]+)"', answer.text):
            file = await page.client.get(f"/ui/{name}")
            assert file.status_code == 200 and len(file.content) > 100, name
            assert file.headers["x-content-type-options"] == "nosniff"
        assert (await page.client.get("/ui/..%2Froutes.py")).status_code == 404

    during(app, work)


def test_pages_of_runs_are_filtered_searched_and_continued(app: App) -> None:
    async def work(page: Page) -> None:
        for number in range(5):
            body = {"name": "go", "data": {"n": f"50%_{number}", "fails": number == 2}}
            assert (await page.post("send", body)).status_code == 200
        await page.engine.settle()
        runs = await page.get("runs", limit=2)
        assert [run["status"] for run in runs] == ["Completed", "Completed"]
        older = await page.get("runs", limit=10, before=runs[-1]["position"])
        assert len(older) == 3
        assert {run["run_id"] for run in runs}.isdisjoint(run["run_id"] for run in older)
        (failed,) = await page.get("runs", status="Failed")
        assert [run["run_id"] for run in await page.get("runs", search="50%_2")] == [
            failed["run_id"]
        ]
        assert await page.get("runs", search="50__2") == [], "wildcards are text"
        assert await page.get("runs", function="app-other") == []
        assert (await page.get("overview"))["counts"] == {"Completed": 4, "Failed": 1}
        (event,) = await page.get("events", search="50%_2")
        assert (event["name"], event["runs"]) == ("go", 1)
        events = await page.get("events")
        assert len(await page.get("events", internal="1")) > len(await page.get("events"))
        assert [f["id"] for f in await page.get("functions")] == ["app-fn"]
        names = {each["name"]: each for each in await page.get("names")}
        assert names["go"]["last"] == events[0]["internal_id"] and names["typed"]["schema"]

    two_steps(app)
    during(app, work)


@pytest.mark.parametrize("wanted", ["grüße", "日本", "💥", 'say "no"', "back\\slash", "ümläut_%"])
def test_what_json_escapes_is_found_as_it_was_written(app: App, wanted: str) -> None:
    async def work(page: Page) -> None:
        for text in (f"<{wanted}>", "other"):
            await page.post("send", {"name": "go", "data": {"text": text}})
        await page.engine.settle()
        for listed in ("events", "runs"):
            assert len(await page.get(listed, search=wanted)) == 1, listed

    two_steps(app)
    during(app, work)


def test_statuses_are_counted_of_what_is_looked_for(app: App) -> None:
    async def work(page: Page) -> None:
        for number in range(4):
            await page.post(
                "send", {"name": "go", "data": {"n": f"o-{number}", "fails": number > 2}}
            )
        await page.engine.settle()
        for query, counts in (
            ({}, {"Completed": 3, "Failed": 1}),
            ({"search": "o-1"}, {"Completed": 1}),
            ({"search": "o-3", "status": "Completed"}, {"Failed": 1}),
            ({"function": "app-other"}, {}),
            ({"event": (await page.get("events"))[0]["internal_id"]}, {"Failed": 1}),
        ):
            assert (await page.get("overview", **query))["counts"] == counts, query

    two_steps(app)
    during(app, work)


def test_large_events_are_listed_by_their_beginnings(app: App) -> None:
    async def work(page: Page) -> None:
        for data in ({"a": "日本"}, {"c": "y" * 200}, {"b": "x" * 1_000_000}):
            await page.post("send", {"name": "größe", "data": data})
        large, long, small = await page.get("events")
        assert small["preview"] == '{"a":"日本"}'
        assert large["preview"] == '{"b":"' + "x" * 83 + "…"
        assert long["preview"] == '{"c":"' + "y" * 83 + "…"
        assert len(await page.get("names")) == 2
        assert len((await page.client.get("/ui/api/names")).content) < 1000
        whole = await page.get(f"events/{large['internal_id']}")
        assert whole["body"]["data"]["b"] == "x" * 1_000_000
        for unknown in ("nope", "%00", "%ED%A0%80"):
            answer = await page.client.get(f"/ui/api/events/{unknown}")
            assert answer.status_code == 404, unknown

    during(app, work)


def test_answers_tell_the_engines_time(app: App) -> None:
    async def work(page: Page) -> None:
        before = (await page.client.get("/ui/api/runs")).headers[CLOCK]
        await page.engine.advance(timedelta(days=1))
        after = (await page.client.get("/ui/api/runs")).headers[CLOCK]
        assert int(after) - int(before) == 86_400_000

    during(app, work)


def test_every_event_of_a_batch_leads_to_its_run(app: App) -> None:
    async def work(page: Page) -> None:
        for number in range(3):
            await page.post("send", {"name": "many", "data": {"n": number}})
        await page.engine.settle()
        (run,) = await page.get("runs")
        assert [e["preview"] for e in await page.get("events")] == ['{"n":2}', '{"n":1}', '{"n":0}']
        for event in await page.get("events"):
            assert event["runs"] == 1, event
            (found,) = await page.get("runs", event=event["internal_id"])
            assert found["run_id"] == run["run_id"]
        history = await page.get(f"runs/{run['run_id']}")
        assert [event["data"]["n"] for event in history["events"]] == [0, 1, 2]
        assert len(await page.get("runs", search='"n":2')) == 1, "searched like the first one"

    batch = {"maxSize": 3, "timeout": "1s"}
    app.function(config("app-fn", "many", batchEvents=batch), lambda body, target: (200, "done"))
    during(app, work)


def test_a_step_of_a_cancelled_run_is_not_tried_again(app: App) -> None:
    async def work(page: Page) -> None:
        await page.post("send", {"name": "go"})
        await page.engine.settle()
        (run,) = await page.get("runs")
        path = f"runs/{run['run_id']}"
        assert [s["state"] for s in (await page.get(path))["steps"]] == ["retrying"]
        await page.post(f"{path}/cancel")
        assert [s["state"] for s in (await page.get(path))["steps"]] == ["cancelled"]

    def answer(body: dict[str, Any], target: str) -> tuple[int, Any]:
        error = {"name": "ValueError", "message": "no"}
        return 206, [op("a", "StepError", error=error)]

    app.function(config("app-fn", "go", retries=3), answer)
    during(app, work)


def test_a_run_is_started_again_from_a_step(app: App) -> None:
    async def work(page: Page) -> None:
        await page.post("send", {"name": "go"})
        await page.engine.settle()
        (run,) = await page.get("runs")
        path = f"runs/{run['run_id']}"
        called = len(app.calls)
        again = (await page.post(f"{path}/rerun", {"from_step": hashed("b")})).json()
        await page.engine.settle()
        history = await page.get(f"runs/{again['run_id']}")
        assert (history["status"], history["output"]) == ("Completed", "done")
        assert [s["output"] for s in history["steps"]] == ["A", "B"]
        assert len(app.calls) - called == 2, "step a was not run again"
        whole = (await page.post(f"{path}/rerun")).json()["run_id"]
        await page.engine.settle()
        assert (await page.get(f"runs/{whole}"))["status"] == "Completed"
        assert (await page.post(f"{path}/rerun", {"from_step": "nope"})).status_code == 400

    two_steps(app)
    during(app, work)


def test_runs_are_cancelled_and_functions_invoked(app: App) -> None:
    def sleeps(body: dict[str, Any], target: str) -> tuple[int, Any]:
        return 206, [op("nap", "Sleep", opts={"duration": "1h"})]

    async def work(page: Page) -> None:
        assert (await page.post("invoke", {"function": "app-fn", "data": {}})).status_code == 200
        await page.engine.settle()
        (run,) = await page.get("runs")
        assert (await page.post(f"runs/{run['run_id']}/cancel")).status_code == 200
        assert (await page.get("runs"))[0]["status"] == "Cancelled"
        assert (await page.post("invoke", {"function": "nope"})).status_code == 400
        deep: object = {}
        for _ in range(300):
            deep = {"a": deep}
        answer = await page.post("invoke", {"function": "app-fn", "data": deep})
        assert (answer.status_code, "max depth" in answer.text) == (400, True)
        large = {"function": "app-fn", "data": {"a": "x" * 17_000_000}}
        assert (await page.post("invoke", large)).status_code == 413
        unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
        for path in (f"runs/{unknown}/cancel", f"runs/{unknown}/rerun", "runs/x/cancel"):
            assert (await page.post(path)).status_code in (400, 404)
        assert (await page.post("send", {"name": "inngest/x"})).status_code == 400

    app.function(config("app-fn", "go"), sleeps)
    during(app, work)


@pytest.mark.parametrize("path", ["send", "invoke", "runs/x/cancel", "runs/x/rerun"])
def test_actions_need_the_token_and_the_same_origin(app: App, path: str) -> None:
    async def work(page: Page) -> None:
        refused = (
            {HEADER: ""},
            {HEADER: "x" + page.token},
            {"origin": "http://evil.test"},
            {"origin": "null"},
            {"origin": "http://["},
            {"sec-fetch-site": "cross-site"},
            {"host": "evil.test"},
        )
        for headers in refused:
            answer = await page.post(path, {"name": "go"}, **headers)
            assert answer.status_code == 403, headers
        assert await page.get("events") == []
        assert (await page.post(path, {"name": "go"}, origin=ORIGIN)).status_code != 403

    during(app, work)


def test_a_foreign_name_for_this_machine_is_refused(app: App) -> None:
    async def work(page: Page) -> None:
        for host, status in (
            ("localhost:8288", 200),
            ("[::1]:8288", 200),
            ("127.0.0.1", 200),
            ("evil.test", 403),
            ("192.168.0.7", 403),
            ("", 403),
            ("[", 403),
        ):
            for path in ("/", "/ui/main.js", "/ui/api/runs"):
                answer = await page.client.get(path, headers={"host": host})
                assert answer.status_code == status, (host, path)

    during(app, work)


def test_an_address_is_taken_where_the_engine_listens_to_all(app: App) -> None:
    async def work(page: Page) -> None:
        assert (await page.client.get("/", headers={"host": "192.168.0.7"})).status_code == 200
        assert (await page.client.get("/", headers={"host": "evil.test"})).status_code == 403

    during(app, work, host="0.0.0.0")


def test_a_keyed_engine_shows_nothing_without_the_token(app: App) -> None:
    async def work(page: Page) -> None:
        assert page.token not in (await page.client.get("/")).text
        assert (await page.client.get("/ui/api/runs")).status_code == 403
        assert await page.get("runs") == []

    during(app, work, signing_key=KEY)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["r1", "r2", "r1"], ["r1", "r2"]),
        ([f"r{n}" for n in range(MAX_IDS)], [f"r{n}" for n in range(MAX_IDS)]),
        ([f"r{n}" for n in range(MAX_IDS + 1)], None),
    ],
)
def test_changes_are_told_by_id_unless_there_are_too_many(
    changed: list[str], told: list[str] | None
) -> None:
    async def go() -> None:
        live = Live()
        stream = live.stream(live.mark)
        assert await stream.__anext__() == b": hello\n\n"
        event = Event(internal_id="e", received_at=0, body={"name": "a", "data": {}})
        for run_id in changed:
            live.changed(
                Run(id=run_id, function_id="f", events=(event,), status="Running", created_at=0)
            )
        message = await stream.__anext__()
        assert json.loads(message.removeprefix(b"data: ")) == told
        await stream.aclose()
        assert live._pages == set()

    bounded(go)


def test_the_terminal_asks_for_a_history_and_for_some_runs(app: App) -> None:
    async def work(page: Page) -> None:
        for data in ({}, {"fails": True}):
            await page.post("send", {"name": "go", "data": data})
        await page.engine.advance(timedelta(seconds=1))
        (failed,) = (await page.client.get("/v0/runs?status=Failed")).json()["data"]
        (done,) = (await page.client.get("/v0/runs?status=Completed")).json()["data"]
        history = (await page.client.get(f"/v0/runs/{done['run_id']}/export")).json()
        assert [step["name"] for step in history["steps"]] == ["a", "b"]
        again = await page.client.post(f"/v0/runs/{done['run_id']}/rerun", json={"from_step": "b"})
        assert again.status_code == 200
        assert failed["status"] == "Failed"

    two_steps(app)
    during(app, work)


def test_a_page_is_told_of_what_changed_before_it_listens() -> None:
    async def go() -> None:
        live = Live()
        event = Event(internal_id="e", received_at=0, body={"name": "a", "data": {}})
        run = Run(id="r", function_id="f", events=(event,), status="Running", created_at=0)
        sent = live.mark
        live.changed(run)
        for since, told in ((sent, b"data: null"), (live.mark, b": hello")):
            stream = live.stream(since)
            assert await stream.__anext__() == told + b"\n\n"
            await stream.aclose()

    bounded(go)


def test_the_page_says_how_far_it_knows(app: App) -> None:
    async def work(page: Page) -> None:
        text = (await page.client.get("/")).text
        (mark,) = re.findall(r'name="inngest-dev-mark" content="(\d+)"', text)
        await page.post("send", {"name": "go", "data": {}})
        await page.engine.settle()
        again = (await page.client.get("/")).text
        assert f'content="{mark}"' not in again

    two_steps(app)
    during(app, work)


def test_pages_are_told_of_events_functions_and_metadata_too(app: App) -> None:
    async def work(page: Page) -> None:
        await page.post("send", {"name": "go"})
        await page.engine.settle()
        (run,) = await page.get("runs")
        live = page.dashboard._live
        entry = {"kind": "note", "op": "merge", "values": {"n": 1}}
        body = {"appName": "app", "url": URL, "functions": app.configs}
        for change, told in (
            (lambda: page.engine.send(b'{"name": "nobody/listens"}'), []),
            (lambda: page.engine.register(body), []),
            (lambda: page.engine.note(run["run_id"], {}, [entry]), [run["run_id"]]),
        ):
            stream = live.stream(live.mark)
            assert await stream.__anext__() == b": hello\n\n"
            change()
            assert await stream.__anext__() == f"data: {json.dumps(told)}\n\n".encode()
            await stream.aclose()

    two_steps(app)
    during(app, work)


def test_a_page_that_is_gone_is_forgotten() -> None:
    async def go() -> None:
        live = Live()

        async def read() -> None:
            async for _ in live.stream(live.mark):
                pass

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0)
        assert len(live._pages) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert live._pages == set()

    bounded(go)
