from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.api.endpoints import EndpointRoutes
from inngest.dev._internal.clock import VirtualClock
from inngest.dev._internal.conftest import config, hashed
from inngest.dev._internal.endpoints.requests import SILENCE
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.server import DevServer

RUN = "01M82YP4EGKJWY0PAJSBAF3HJT"
SDK = {"x-inngest-sdk": "test:v1", "x-inngest-req-version": "2"}


class App:
    """Answers the repetitions of its request, in turn."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    async def call(self, call: Call, *, now: int) -> Answer:
        self.calls.append(call)
        status, body = self.answers.pop(0)
        return call.read(status, SDK, json.dumps(body).encode(), now)

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        raise AssertionError

    async def close(self) -> None:
        return


def op(name: str, kind: str = "StepRun", **fields: Any) -> dict[str, Any]:
    return {"id": hashed(name), "op": kind, "displayName": name, "data": name, **fields}


def complete(status: int = 200, body: str = '"done"', **headers: str) -> dict[str, Any]:
    data = {"status": status, "headers": headers, "body": body, "duration": 1}
    return {"id": hashed("complete"), "op": "RunComplete", "data": data}


def begun(*steps: dict[str, Any], run_id: str = RUN, **fields: Any) -> dict[str, Any]:
    data = {
        "domain": "http://app.test",
        "method": "put",
        "path": "/x",
        "fn": "",
        "ip": "127.0.0.1",
        "content_type": "text/csv",
        "query_params": "a=1&a=2",
        "body": base64.b64encode(b"\x00\xff").decode(),
    }
    event = {"name": "inngest/http.request", "data": data, "ts": 1_800_000_000_000}
    return {
        "run_id": run_id,
        "event": event,
        "steps": list(steps),
        "request_version": 2,
        "retries": 2,
        **fields,
    }


Http = httpx.AsyncClient


def played(app: App, play: Callable[[Engine, Http], Awaitable[None]]) -> None:
    async def run() -> None:
        engine = Engine(clock=VirtualClock(), driver=app)
        await engine.start()
        try:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                await play(engine, http)
        finally:
            await engine.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


async def begin(http: Http, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await http.post("/v1/checkpoint", json=begun(*steps, **fields))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def tell(http: Http, *steps: dict[str, Any], run_id: str = RUN) -> httpx.Response:
    return await http.post(f"/v1/checkpoint/{run_id}/steps", json={"steps": list(steps)})


def status_of(engine: Engine) -> str:
    run = engine.store.run(RUN)
    assert run is not None
    return run.status


def test_an_app_that_falls_silent_is_asked_to_go_on() -> None:
    app = App((206, [op("b")]), (206, [complete()]))

    async def play(engine: Engine, http: Http) -> None:
        await begin(http, op("a"))
        await engine.advance(timedelta(milliseconds=SILENCE - 1))
        await tell(http, op("a2"))
        await engine.advance(timedelta(milliseconds=SILENCE - 1))
        assert app.calls == []
        await engine.advance(timedelta(milliseconds=1))
        assert status_of(engine) == "Completed"

    played(app, play)
    first = app.calls[0]
    assert (first.method, first.url) == ("PUT", "http://app.test/x?a=1&a=2")
    assert (first.body, first.headers["content-type"]) == (b"\x00\xff", "text/csv")
    assert first.headers["x-run-id"] == RUN


def test_a_run_that_ends_by_itself_is_left_alone() -> None:
    app = App()

    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("a")))["token"]
        await tell(http, complete(201, "text", **{"x-a": "b", "content-length": "99"}))
        await tell(http, op("late"))
        await engine.advance(timedelta(hours=0.5))
        assert status_of(engine) == "Completed"
        answer = await http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token})
        assert (answer.status_code, answer.text, answer.headers["x-a"]) == (201, "text", "b")
        history = engine.history(RUN) or {}
        assert [step["name"] for step in history["steps"]] == ["a"]
        assert [each["outcome"] for each in history["attempts"]] == ["reported"]

    played(app, play)
    assert app.calls == []


@pytest.mark.parametrize("policy", [{}, {"Content-Security-Policy": "script-src 'self'"}])
def test_a_page_that_an_app_answers_with_is_not_of_the_dashboards_origin(
    policy: dict[str, str],
) -> None:
    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("a")))["token"]
        await tell(http, complete(200, "<script>", **{"content-type": "text/html", **policy}))
        answer = await http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token})
        *own, sandbox = answer.headers["content-security-policy"].split(", ")
        assert own == list(policy.values())
        assert sandbox.startswith("sandbox ") and "allow-same-origin" not in sandbox

    played(App(), play)


def test_what_is_no_header_or_no_final_status_is_not_passed_on() -> None:
    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("a")))["token"]
        bad = {"x-split": "a\r\nset-cookie: a=b", "x y": "a", "": "a", "x-wide": "\u20ac"}
        await tell(http, complete(101, "text", **{"x-good": "\xe9", **bad}))
        answer = await http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token})
        assert (answer.status_code, answer.text) == (200, "text")
        assert answer.headers["x-good"] == "\xe9"
        assert not {"x-split", "x y", "", "x-wide"} & set(answer.headers)

    played(App(), play)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_has_none(status: int) -> None:
    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("a")))["token"]
        await tell(http, complete(status, "text"))
        answer = await http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token})
        assert (answer.status_code, answer.content) == (status, b"")
        assert "content-length" not in answer.headers

    played(App(), play)


@pytest.mark.parametrize("status", [300, 404, 500])
def test_a_status_from_300_on_is_a_failure(status: int) -> None:
    async def play(engine: Engine, http: Http) -> None:
        await begin(http, complete(status, '{"no":1}'))
        run = engine.store.run(RUN)
        assert run is not None
        assert (run.status, run.output) == ("Failed", {"no": 1})

    played(App(), play)


def test_a_failed_step_is_tried_again_after_five_seconds_and_then_ten() -> None:
    error = {"name": "Error", "message": "no"}
    bad = op("a", "StepError", error=error, data=None)
    app = App((206, [bad]), (206, [bad]), (206, [complete(409)]))

    async def play(engine: Engine, http: Http) -> None:
        await begin(http, bad)
        for count, seconds in ((1, 5), (2, 10)):
            await engine.advance(timedelta(seconds=seconds, milliseconds=-1))
            assert len(app.calls) == count - 1
            await engine.advance(timedelta(milliseconds=1))
            assert len(app.calls) >= count
        run = engine.store.run(RUN)
        assert run is not None
        assert run.steps[hashed("a")].memo == {"error": error}
        assert run.status == "Failed"

    played(app, play)
    assert [call.headers["x-inngest-generation-id"] for call in app.calls] == ["1", "2", "1"]


@pytest.mark.parametrize("op_kind", ["StepFailed", "StepError"])
def test_a_step_that_has_failed_for_good_leaves_the_run_with_its_app(op_kind: str) -> None:
    async def play(engine: Engine, http: Http) -> None:
        error = {"name": "Error", "message": "no"}
        await begin(http, op("a", op_kind, error=error, data=None), retries=0)
        run = engine.store.run(RUN)
        assert run is not None
        assert run.memos == {hashed("a"): {"error": error}}
        (item,) = engine.store.items_of(RUN)
        assert item.due == engine.clock.now() + SILENCE

    played(App(), play)


def test_a_failing_app_is_asked_as_often_as_it_wants() -> None:
    app = App(*[(500, {"name": "E", "message": "no", "stack": "Traceback"})] * 3)

    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("nap", "Sleep", opts={"duration": "1s"})))["token"]
        await engine.advance(timedelta(minutes=1))
        assert status_of(engine) == "Failed"
        answer = await http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token})
        assert (answer.status_code, answer.json()) == (500, {"name": "E", "message": "no"})

    played(app, play)
    assert len(app.calls) == 3


def test_a_run_is_begun_once() -> None:
    async def play(engine: Engine, http: Http) -> None:
        await begin(http, op("a"))
        again = await http.post("/v1/checkpoint", json=begun(op("b")))
        assert (again.status_code, again.json()["error"]) == (409, "Run already exists")
        await begin(http, run_id=RUN[:-1] + "V", retries=5)
        (function,) = engine.store.functions()
        assert (function.id, function.max_attempts) == ("http://app.test-PUT /x", 6)

    played(App(), play)


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "x"},
        {"run_id": None},
        {"event": None},
        {"event": {"name": "other", "data": {}}},
        {"steps": {}},
        {"steps": [1]},
        {"retries": -1},
        {"retries": True},
        {"domain": "ftp://x"},
        {"domain": "http://[x"},
        {"domain": "http://127.0.0.1:99999"},
        {"domain": "http://@"},
        {"domain": None},
        {"path": "x"},
        {"method": "GET /"},
        {"method": 5},
        {"method": "GÉT"},
        {"body": "%"},
        {"query_params": 1},
    ],
)
def test_what_is_no_request_is_refused(change: dict[str, Any]) -> None:
    async def play(engine: Engine, http: Http) -> None:
        body = begun(op("a"))
        of_data = {k: v for k, v in change.items() if k not in body}
        body["event"]["data"] |= of_data
        body |= {k: v for k, v in change.items() if k in body}
        answer = await http.post("/v1/checkpoint", json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "Invalid request body")
        assert engine.runs() == []

    played(App(), play)


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**70)])
def test_numbers_that_cannot_be_stored_are_as_none(number: int) -> None:
    async def play(engine: Engine, http: Http) -> None:
        body = begun(op("a"), request_version=number)
        body["event"]["ts"] = number
        assert (await http.post("/v1/checkpoint", json=body)).status_code == 200
        run = engine.store.run(RUN)
        assert run is not None
        assert (run.version, run.event.body["ts"]) == (-1, engine.clock.now())

    played(App(), play)


@pytest.mark.parametrize(
    "steps",
    [
        [op("a"), {"id": "x", "op": "Nope"}],
        [op("a"), {"op": "StepRun"}],
        [op("a"), op("b", data="x" * (4 * 1024 * 1024 + 1))],
        [op(str(number)) for number in range(1001)],
    ],
    ids=["unknown", "without id", "too large", "too many"],
)
def test_steps_that_cannot_be_used_change_nothing(
    steps: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async def play(engine: Engine, http: Http) -> None:
        await begin(http)
        assert (await tell(http, *steps)).status_code == 200  # as the server says
        run = engine.store.run(RUN)
        assert run is not None and run.memos == {}
        assert (await http.post(f"/v1/checkpoint/{RUN}/steps", content=b"{")).status_code == 400

    played(App(), play)
    assert f"steps of run {RUN} cannot be used" in caplog.text


def test_steps_of_a_run_that_is_none_are_told_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(engine: Engine, http: Http) -> None:
        assert (await tell(http, op("a"), run_id="no%0Arun%1B[2J")).status_code == 200

    played(App(), play)
    assert caplog.messages == ["received steps of run 'no\\nrun\\x1b[2J', which is not active"]


def test_an_output_that_takes_long_is_asked_for_again() -> None:
    async def play(engine: Engine, http: Http) -> None:
        token = (await begin(http, op("a")))["token"]
        routes = EndpointRoutes(engine, patience=0.01)
        impatient = Starlette(routes=[Route("/{id}", routes.output)])
        transport = httpx.ASGITransport(impatient)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as asking:
            answer = await asking.get(f"/{RUN}", params={"token": token})
        assert (answer.status_code, answer.json()["status"]) == (200, "running")

    played(App(), play)


def test_a_run_survives_the_engine(tmp_path: Any) -> None:
    """What was recorded is there after a restart, with the response."""
    path = str(tmp_path / "engine.db")

    async def live(play: Callable[[Http], Awaitable[Any]]) -> Any:
        engine = Engine(clock=VirtualClock(), db=path, driver=App())
        await engine.start()
        try:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                return await play(http)
        finally:
            await engine.stop()

    async def ended(http: Http) -> str:
        token = str((await begin(http, op("a")))["token"])
        await tell(http, complete(202, "[1]", **{"x-a": "b"}))
        return token

    token = asyncio.run(live(ended))
    asked = asyncio.run(
        live(lambda http: http.get(f"/v1/checkpoint/{RUN}/output", params={"token": token}))
    )
    assert (asked.status_code, asked.json(), asked.headers["x-a"]) == (202, [1], "b")


def test_what_no_longer_registers_is_forgotten_but_for_endpoints() -> None:
    functions = [config("shop-fn", "go", url="http://app.test/api/inngest")]
    shop = {"appName": "shop", "url": "http://app.test/api/inngest", "functions": functions}
    with DevServer(port=0) as server, httpx.Client(base_url=server.origin, trust_env=False) as http:
        http.post("/fn/register", json=shop).raise_for_status()
        http.post("/v1/checkpoint", json=begun(op("a"))).raise_for_status()
        assert server.forget("http://app.test", {}) == []
        assert server.forget("http://other.test", server.syncs()) == []
        assert server.forget("http://app.test", server.syncs()) == ["shop"]
        assert [function.app for function in server.functions()] == ["http://app.test"]
