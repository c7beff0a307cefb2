"""The recording of durable endpoints, against our SDK: the server's side is played.

The recorded app was made by hand, one handler for all paths. Ours has a handler of the same
steps for each path; where it does something else, the test says why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import inngest
from inngest import Inngest
from inngest._internal.client.durable import DurableHandler
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.http.durable import DurableOptions, Origin
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.experimental import durable
from inngest.transport import CommRequest, CommResponse

from .differences import GENERAL, HAND_MADE, Rule, step_id
from .engine_recordings import ENDPOINTS
from .handmade import KINDS, App
from .replay import Exchange, _flat, compare, load

EXCHANGES = load(ENDPOINTS)
DOMAIN = EXCHANGES[0].body["event"]["data"]["domain"]
BEGUN = EXCHANGES[0].response_body["data"]
RETRIES = EXCHANGES[0].body["retries"]
MADE_ANEW = {"timing", "duration"}


class Server(HTTPClients):
    """Takes all steps, and tells the state of a run as it was recorded."""

    def __init__(self, *state: Exchange) -> None:
        super().__init__()
        self.state = {each.path: each for each in state}
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Response | FetchError:
        self.asked.append(request)
        path = urlsplit(request.url).path
        if path == "/v1/checkpoint":
            told = {**BEGUN, "run_id": json.loads(request.body)["run_id"]}
            body = json.dumps({"data": told}).encode()
            return Response(status=200, headers={}, body=body)
        if path.endswith("/steps"):
            return Response(status=200, headers={}, body=b"")
        return self.state[path].answer

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)

    @property
    def posted(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.asked if each.method == "POST"]


def steps_of(kind: str, body: Callable[..., Any]) -> Callable[..., Any]:
    """A handler of one text for both kinds: it yields its steps."""
    app = App(Inngest(app_id="rec", is_production=False), kind)

    def run(ctx: Any, request: durable.Request) -> Any:
        return app.handler(lambda ctx: body(ctx, request, app))(ctx)

    async def run_async(ctx: Any, request: durable.Request) -> Any:
        return await run(ctx, request)

    return run_async if kind == "async" else run


def ask(
    kind: str, body: Callable[..., Any], request: CommRequest, *state: Exchange
) -> tuple[CommResponse, Server]:
    client = Inngest(app_id="rec", is_production=False, api_base_url="http://server.test")
    server = client._http = Server(*state)
    options = DurableOptions(retries=RETRIES)
    handler = DurableHandler(client, steps_of(kind, body), options, framework="http.server")
    origin = Origin(query_string="q=1", ip="127.0.0.1")
    if kind == "async":
        return asyncio.run(handler.handle_async(request, origin)), server
    return handler.handle_sync(request, origin), server


def of_a_client(exchange: Exchange) -> CommRequest:
    """The request that an app told the server of."""
    data = exchange.body["event"]["data"]
    return CommRequest(
        method=data["method"],
        url=data["domain"] + data["path"],
        headers={"content-type": data["content_type"], "authorization": "Bearer x"},
        query=dict(parse_qsl(data["query_params"])),
        body=b'{"hi":1}',
    )


def of_the_server(exchange: Exchange, run_id: str) -> CommRequest:
    """The same, repeated by the server."""
    parts = urlsplit(exchange.path)
    return CommRequest(
        method=exchange.method,
        url=DOMAIN + parts.path,
        headers={**exchange.headers, "x-run-id": run_id},
        query=dict(parse_qsl(parts.query)),
        body=exchange.raw,
    )


def repeated(kind: str, body: Callable[..., Any], index: int, *state: int) -> CommResponse:
    fetched = [EXCHANGES[each] for each in state]
    run_id = fetched[0].path.split("/")[3]
    answer, _ = ask(kind, body, of_the_server(EXCHANGES[index], run_id), *fetched)
    return answer


def unlike(recorded: list[Any], ours: list[Any]) -> dict[str, Any]:
    pairs = [[_kept(op) for op in each] for each in (recorded, ours)]
    used: set[Rule] = set()
    rules = (*GENERAL, *HAND_MADE)
    return compare(_flat("body", pairs[0]), _flat("body", pairs[1]), rules, used)


def _kept(op: dict[str, Any]) -> dict[str, Any]:
    data = op.get("data")
    shown = {k: v for k, v in op.items() if k not in MADE_ANEW}
    if isinstance(data, dict):
        shown["data"] = {k: v for k, v in data.items() if k not in MADE_ANEW}
    return shown


def two_steps(ctx: Any, request: durable.Request, app: App) -> Any:
    assert request.json() == {"hi": 1}
    yield ctx.step.run("a", app.work(1))
    yield ctx.step.run("b", app.work(2))
    return {"ok": True}


def napping(ctx: Any, request: durable.Request, app: App) -> Any:
    yield ctx.step.run("a", app.work(1))
    if request.path == "/api/goasync":
        yield ctx.step.run("b", app.work(2))
    yield ctx.step.sleep("nap", 2_000)
    found = yield ctx.step.run("c", app.work(3))
    return durable.Response(body={"c": found}, status=202, headers={"x-hello": "1"})


def failing(ctx: Any, request: durable.Request, app: App) -> Any:
    return (yield ctx.step.run("bad", app.work(RuntimeError("boom"))))


def recovering(ctx: Any, request: durable.Request, app: App) -> Any:
    found = yield ctx.step.run("bad", app.work("recovered"))
    return durable.Response(body={"was": found}, status=201, headers={"x-hello": "1"})


def parallel(ctx: Any, request: durable.Request, app: App) -> Any:
    branches = tuple((lambda name=name: ctx.step.run(name, app.work(name))) for name in ("x", "y"))
    return (yield ctx.group.parallel(branches))


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_recorded_as_recorded(kind: str) -> None:
    answer, server = ask(kind, two_steps, of_a_client(EXCHANGES[0]))
    begun, second, end = server.posted
    recorded = EXCHANGES[0].body
    assert begun["event"]["data"] == recorded["event"]["data"]
    assert begun["event"]["id"] == begun["run_id"]  # the recorded app lets the server choose
    assert {**begun, "event": 0, "run_id": 0, "steps": 0} == {
        **recorded, "event": 0, "run_id": 0, "steps": 0
    }  # fmt: skip
    assert len(begun["run_id"]) == 26
    assert unlike(recorded["steps"], begun["steps"]) == {}
    for ours, theirs in ((second, EXCHANGES[1]), (end, EXCHANGES[2])):
        assert set(ours) == set(theirs.body)
        assert (ours["fn_id"], ours["app_id"]) == (BEGUN["fn_id"], BEGUN["app_id"])
        assert unlike(theirs.body["steps"], ours["steps"]) == {}
    paths = [urlsplit(each.url).path for each in server.asked]
    told = f"/v1/checkpoint/{begun['run_id']}/steps"
    assert paths == [EXCHANGES[0].path, told, told]
    assert (answer.status, answer.body) == (200, b'{"ok":true}')


@pytest.mark.parametrize("kind", KINDS)
def test_a_sleep_sends_the_client_to_the_output(kind: str) -> None:
    answer, server = ask(kind, napping, of_a_client(EXCHANGES[12]))
    run_id = server.posted[0]["run_id"]
    # the recorded app tells of the last step together with the sleep; ours when it is done
    told = [step for body in server.posted[1:] for step in body["steps"]]
    assert unlike(EXCHANGES[13].body["steps"], told) == {}
    location = f"http://server.test/v1/checkpoint/{run_id}/output?token={BEGUN['token']}"
    assert (answer.status, answer.headers["location"]) == (302, location)
    assert json.loads(answer.body) == {"run_id": run_id, "token": BEGUN["token"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeated_request_is_answered_with_the_next_step(kind: str) -> None:
    answer = repeated(kind, napping, 24, 25, 26)
    assert answer.status == EXCHANGES[24].status
    assert unlike(EXCHANGES[24].response_body, json.loads(answer.body)) == {}
    for name in ("x-inngest-sdk", "x-inngest-req-version", "content-type"):
        assert name in EXCHANGES[24].response_headers and name in answer.headers
    # told to run nothing at once, ours plans the step; the recorded app did not listen
    (op,) = json.loads(repeated(kind, napping, 15, 16, 17).body)
    assert (op["op"], op["id"]) == ("StepPlanned", step_id("c"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [37, 57])
def test_the_end_is_told_in_a_form_that_was_accepted(kind: str, index: int) -> None:
    """That of the recorded call 37; the other one ends with RunComplete."""
    body, state = (napping, (38, 39)) if index == 37 else (recovering, (56, 58))
    answer = repeated(kind, body, index, *state)
    (ours,), (theirs,) = json.loads(answer.body), EXCHANGES[37].response_body
    assert answer.status == EXCHANGES[index].status
    assert (ours["op"], ours["id"]) == (theirs["op"], theirs["id"])
    told, recorded = ours["data"]["data"], theirs["data"]["data"]
    assert set(told) == set(recorded)
    assert told["headers"] == recorded["headers"]
    assert told["status"] == (202 if index == 37 else 201)
    assert isinstance(told["body"], str)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_fails_is_left_to_the_server(kind: str) -> None:
    answer, server = ask(kind, failing, of_a_client(EXCHANGES[51]))
    (begun,) = server.posted
    (theirs,), (ours,) = EXCHANGES[52].body["steps"], begun["steps"]
    assert (ours["op"], ours["id"]) == (theirs["op"], theirs["id"])
    assert ours["error"]["message"] == theirs["error"]["message"]
    assert answer.status == 302
    again = repeated(kind, recovering, 53, 54, 55)
    assert unlike(EXCHANGES[53].response_body, json.loads(again.body)) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_parallel_steps_are_planned_and_run_one_by_one(kind: str) -> None:
    answer, server = ask(kind, parallel, of_a_client(EXCHANGES[63]))
    (begun,) = server.posted
    assert unlike(EXCHANGES[64].body["steps"], begun["steps"]) == {}
    assert answer.status == 302
    for index, name in ((65, "x"), (66, "y")):
        (op,) = json.loads(repeated(kind, parallel, index, 67, 68).body)
        assert (op["op"], op["id"], op["data"]) == ("StepRun", step_id(name), name)


def test_handlers_know_what_a_repetition_has() -> None:
    """The recorded request and its repetition look the same."""
    seen: list[durable.Request] = []

    def look(ctx: inngest.ContextSync, request: durable.Request) -> None:
        seen.append(request)
        ctx.step.run("a", lambda: 1)
        ctx.step.sleep("nap", 1)

    client = Inngest(app_id="rec", is_production=False)
    client._http = Server(EXCHANGES[16], EXCHANGES[17])
    handler = DurableHandler(client, look, DurableOptions(), framework="http.server")
    origin = Origin(query_string="q=1", ip="127.0.0.1")
    handler.handle_sync(of_a_client(EXCHANGES[12]), origin)
    run_id = EXCHANGES[16].path.split("/")[3]
    handler.handle_sync(of_the_server(EXCHANGES[15], run_id), Origin(query_string="", ip="?"))
    assert seen[0] == seen[1]
    assert seen[0].query == {"q": "1"}
