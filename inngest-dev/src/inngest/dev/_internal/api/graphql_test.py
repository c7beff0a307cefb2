"""The queries that tools poll, and what is said of all others."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
import pytest

from inngest.dev import Engine
from inngest.dev._internal.api.app import build_app
from inngest.dev._internal.api.graphql import Field, QueryError, read_query
from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send

RUN = """
query GetRun($runID: String!) {
  run(runID: $runID) { status output trace { childrenSpans { name outputID } } }
}
"""
TRIGGER = "query ($runID: String!) { runTrigger(runID: $runID) { payloads } }"
EVENT = 'query { event(query: {eventId: "%s"}) { functionRuns { id } } }'
OUTPUT = """
query ($id: String!) {
  runTraceSpanOutputByID(outputID: $id) { data error { message name stack } }
}
"""


def script(body: dict[str, Any], target: str) -> Answer:
    if hashed("a") not in body["steps"]:
        return 206, [op("a", "StepRun", data={"x": 1})]
    if hashed("bad") not in body["steps"]:
        error = {"name": "E", "message": "no", "stack": "at app.py"}
        return 206, [op("bad", "StepFailed", error=error)]
    if body["event"]["data"].get("fail"):
        return 500, {"name": "F", "message": "the end", "stack": "s"}
    return 200, {"done": True}


class Asker:
    def __init__(self, engine: Engine, http: httpx.AsyncClient) -> None:
        self.engine, self.http = engine, http

    async def __call__(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = await self.http.post("/v0/gql", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def talk(app: App, work: Any) -> None:
    app.function(config("app-fn", "x"), script)

    async def go() -> None:
        async with running(app) as engine:
            transport = httpx.ASGITransport(build_app(engine))
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                await work(Asker(engine, http))

    bounded(go)


def test_a_run_is_followed_from_its_event_to_the_outputs_of_its_steps(app: App) -> None:
    async def work(ask: Asker) -> None:
        event_id = send(ask.engine, "x", data={"n": 1})
        await ask.engine.settle()
        event = (await ask(EVENT % event_id))["event"]
        (found,) = event["functionRuns"]
        run = (await ask(RUN, runID=found["id"]))["run"]
        assert run["status"] == "COMPLETED"
        assert json.loads(run["output"]) == {"done": True}
        good, bad = run["trace"]["childrenSpans"]
        assert (good["name"], bad["name"]) == ("a", "bad")
        output = (await ask(OUTPUT, id=good["outputID"]))["runTraceSpanOutputByID"]
        assert json.loads(output["data"]) == {"x": 1}
        assert output["error"] is None
        output = (await ask(OUTPUT, id=bad["outputID"]))["runTraceSpanOutputByID"]
        assert output == {
            "data": None,
            "error": {"message": "no", "name": "E", "stack": "at app.py"},
        }
        (payload,) = (await ask(TRIGGER, runID=found["id"]))["runTrigger"]["payloads"]
        assert json.loads(payload)["data"] == {"n": 1}

    talk(app, work)


def test_the_states_of_runs(app: App) -> None:
    async def work(ask: Asker) -> None:
        failed = await ask.engine.wait_for_run(send(ask.engine, "x", data={"fail": True}))
        run = (await ask(RUN, runID=failed["run_id"]))["run"]
        assert run["status"] == "FAILED"
        assert json.loads(run["output"])["message"] == "the end"
        later = send(ask.engine, "x", ts=ask.engine.clock.now() + 60_000)
        (waiting,) = ask.engine.store.runs(event_id=later)
        assert (await ask(RUN, runID=waiting.id))["run"] == {
            "status": "QUEUED",
            "output": None,
            "trace": {"childrenSpans": []},
        }
        ask.engine.cancel(waiting.id)
        assert (await ask(RUN, runID=waiting.id))["run"]["status"] == "CANCELLED"

    talk(app, work)


def test_what_does_not_exist_is_null(app: App) -> None:
    async def work(ask: Asker) -> None:
        assert await ask(RUN, runID="nope") == {"run": None}
        assert await ask(TRIGGER, runID="nope") == {"runTrigger": None}
        assert await ask(EVENT % "nope") == {"event": None}
        assert await ask(OUTPUT, id="nope.x") == {"runTraceSpanOutputByID": None}

    talk(app, work)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "needs a query"),
        (b'{"query": "{ run }"}', 422, "runID is missing"),
        (b'{"query": "{ run(runID: 7) { status } }"}', 422, "cannot read the query"),
        (b'{"query": "{ run(runID: $x) { status } }"}', 422, "$x has no value"),
        (b'{"query": "{ functions { id } }"}', 422, "not functions"),
        (b'{"query": "mutation { x }"}', 422, "cannot read the query"),
        (b'{"query": "{ run(runID: \\"a\\") { ...F } }"}', 422, "cannot read the query"),
    ],
)
def test_anything_else_is_an_error_that_says_so(
    app: App, body: bytes, status: int, said: str
) -> None:
    async def work(ask: Asker) -> None:
        answer = await ask.http.post("/v0/gql", content=body)
        assert answer.status_code == status
        assert said in answer.json()["errors"][0]["message"]

    talk(app, work)


def test_an_unknown_field_is_an_error(app: App) -> None:
    async def work(ask: Asker) -> None:
        run = await ask.engine.wait_for_run(send(ask.engine, "x"))
        for fields, said in (
            ("cost", "no field run.cost"),
            ("trace", "fields of run.trace must be selected"),
            ("status { x }", "run.status has no fields"),
        ):
            query = f'{{ run(runID: "{run["run_id"]}") {{ {fields} }} }}'
            answer = await ask.http.post("/v0/gql", json={"query": query})
            assert answer.status_code == 422
            assert said in answer.json()["errors"][0]["message"]

    talk(app, work)


def test_aliases_comments_and_commas_are_read() -> None:
    (read,) = read_query('{ # c\n mine: run(runID: "a\\u0041",) { status, output } }'.replace(
        '",)', '")'), {})  # fmt: skip
    assert read == Field(
        key="mine",
        name="run",
        arguments={"runID": "aA"},
        selection=(Field(key="status", name="status"), Field(key="output", name="output")),
    )


@pytest.mark.parametrize("query", ["", "{", "{}", "{ a" + "{ a" * 5000, "{ a }" * 9000])
def test_hostile_queries_are_errors(query: str) -> None:
    with pytest.raises(QueryError):
        read_query(query, {})


def test_the_work_of_reading_grows_with_the_length_of_a_query() -> None:
    def calls(depth: int) -> int:
        query = "{a" * depth + "{b}" + "}" * depth
        read_query(query, {})  # the grammar is read once
        made = 0

        def count(*_: object) -> None:
            nonlocal made
            made += 1

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            read_query(query, {})
        finally:
            sys.setprofile(before)
        return made

    assert calls(80) < 3 * calls(40)


def test_half_a_character_in_a_string_finds_nothing(app: App) -> None:
    async def work(ask: Asker) -> None:
        assert await ask(r'{ run(runID: "\ud800") { id } }') == {"run": None}
        assert await ask(r'{ event(query: {eventId: "\udfff"}) { id } }') == {"event": None}

    talk(app, work)
