"""Whatever is sent to the engine: no answer but those it describes, and nothing stored half.

schemathesis makes the requests from the description that the engine serves, fitting and not;
then come bodies that are no JSON, or hardly. HOSTILE_EXAMPLES=200 tries that many of each.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from inngest.dev import DevServer, Engine, InProcessDriver, VirtualClock
from inngest.dev._internal.model.ids import new_ulid
from inngest.transport import CommRequest, CommResponse

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "4"))
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
ENDLESS = ("/ui/api/live", "/v1/realtime/sse")
SAID = {"Failed to receive signal": 500}
"""Like the server: a signal without a name."""
TABLES = ("events", "runs", "steps", "items", "attempts", "metadata", "gates", "functions", "apps")
FIELDS = st.sampled_from(
    ["name", "data", "id", "ts", "signal", "steps", "op", "opts", "functions", "appName", "url",
     "target", "metadata", "kind", "values", "query", "variables", "from_step", "input", "_inngest",
     "run_id", "triggers", "event", "expression", "cron", ""]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"", b"null", b"NaN", b"[" * 5000, b'{"a":' * 5000, b"1e999", b"9" * 5000, b'"\\ud800"',
         b'{"name":"\\ud800","data":{}}', b'{"name":"a","ts":1e300}', b"\xff\xfe", b"{}", b"[[]]",
         b'{"signal":"\\u0000","data":NaN}', b'{"query":"{run(runID:\\"\\"){id{id}}}"}'],
    ),
    JSON.map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


class Target:
    """An engine with an app, a run that ended, and one that sleeps."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        page = httpx.get(server.origin, trust_env=False, timeout=60).text
        self.token = page.partition('name="inngest-dev-token" content="')[2].partition('"')[0]
        self.headers = {"x-inngest-dev-token": self.token}
        self.ids = [self.send("app/short"), self.send("app/long")]
        server.settle()
        self.runs = [str(run["run_id"]) for run in server.runs()]
        assert [run["status"] for run in server.runs()] == ["Running", "Completed"]

    def send(self, name: str) -> str:
        url = f"{self.server.origin}/e/any"
        answer = httpx.post(url, json={"name": name}, trust_env=False, timeout=60)
        return str(answer.json()["ids"][0])

    def known(self) -> st.SearchStrategy[str]:
        return st.sampled_from([*self.runs, *self.ids, "app-short", "app", new_ulid(0)])

    def changes(self) -> int:
        """How many rows were ever written."""

        async def read() -> int:
            await self.server.engine.settle()
            return self.server.engine.store._db.total_changes

        return self.server._do(read(), 30)

    def hold(self, path: str, before: int, status: int, text: str) -> None:
        """No answer is a failure of the engine, and one that refuses has changed nothing."""
        assert status < 500 or status in (501, 502) or (status, _said(text)) in _ALLOWED, text
        partly = (
            path.startswith("/e/") or path == "/v0/sync"
        )  # the events before a bad one; the app
        if status >= 400 and not partly:
            assert self.changes() == before, (path, text)

    def check_store(self) -> None:
        """What refers to something refers to what is there, and no run is forgotten."""

        async def read() -> list[tuple[str, int]]:
            store, found = self.server.engine.store, []
            for what, sql in ORPHANS.items():
                row = store.one(f"SELECT COUNT(*) AS number FROM {sql}")
                assert row is not None
                found.append((what, row["number"]))
            return found

        assert [each for each in self.server._do(read(), 30) if each[1]] == []


_ALLOWED = {(status, text) for text, status in SAID.items()}
ORPHANS = {
    "runs without an event": "runs WHERE event_id NOT IN (SELECT internal_id FROM events)",
    "steps without a run": "steps WHERE run_id NOT IN (SELECT id FROM runs)",
    "work without a run": "items WHERE run_id != '' AND run_id NOT IN (SELECT id FROM runs)",
    "work of runs that ended": (
        "items WHERE run_id IN (SELECT id FROM runs WHERE ended_at IS NOT NULL)"
    ),
    "runs without work": (
        "runs WHERE ended_at IS NULL AND id NOT IN (SELECT run_id FROM items)"
    ),
    "functions without an app": "functions WHERE app NOT IN (SELECT name FROM apps)",
}  # fmt: skip


def _said(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


class App:
    """Answers the engine's calls: one function returns, the other one sleeps."""

    async def handle_async(self, request: CommRequest) -> CommResponse:
        nap = {"id": "a" * 40, "op": "Sleep", "name": "300d", "displayName": "nap"}
        is_long = request.query.get("fnId") == "app-long"
        return CommResponse(
            status=206 if is_long else 200,
            headers={"x-inngest-sdk": "test:v1", "x-inngest-req-version": "2"},
            body=json.dumps([nap] if is_long else "done").encode(),
        )


def registration() -> dict[str, Any]:
    url = "http://app.test/api/inngest"
    functions = [
        {
            "id": f"app-{name}",
            "name": name,
            "triggers": [{"event": f"app/{name}"}],
            "steps": {
                "step": {
                    "id": "step",
                    "name": "step",
                    "runtime": {"type": "http", "url": f"{url}?fnId=app-{name}&stepId=step"},
                }
            },
        }
        for name in ("short", "long")
    ]
    return {"appName": "app", "url": url, "functions": functions}


@pytest.fixture
def target() -> Iterator[Target]:
    engine = Engine(clock=VirtualClock(), driver=InProcessDriver(App()))
    with DevServer(port=0, engine=engine, ui=True) as server:
        httpx.post(f"{server.origin}/fn/register", json=registration(), trust_env=False, timeout=60)
        yield Target(server)


def test_requests_made_from_the_description(target: Target) -> None:
    schema = schemathesis.openapi.from_url(f"{target.server.origin}/openapi.json")
    found: list[Any] = list(schema.get_all_operations())
    operations = [each.ok() for each in found]
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(target.headers)
        for operation in operations:
            if operation.path in ENDLESS:
                continue
            try_out(operation, GenerationMode.POSITIVE, target, session)
            if operation.body or operation.query:  # any text is a fitting path
                try_out(operation, GenerationMode.NEGATIVE, target, session)
    target.check_store()


def try_out(operation: Any, mode: Any, target: Target, session: requests.Session) -> None:
    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case: Any, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(target.known())
        before = target.changes()
        response = case.call(session=session, allow_redirects=False)
        target.hold(operation.path, before, response.status_code, response.text)
        case.validate_response(response, checks=CHECKS)

    run()


def test_bodies_that_are_hardly_json(target: Target) -> None:
    described = httpx.get(
        f"{target.server.origin}/openapi.json", trust_env=False, timeout=60
    ).json()
    posts = [path for path, operations in described["paths"].items() if "post" in operations]
    assert len(posts) > 15
    with httpx.Client(headers=target.headers, trust_env=False, timeout=60) as client:

        @given(path=st.sampled_from(posts), body=BODIES, known=target.known())
        def run(path: str, body: bytes, known: str) -> None:
            before = target.changes()
            answer = client.post(
                target.server.origin + re.sub(r"\{\w+\}", known, path), content=body
            )
            target.hold(path, before, answer.status_code, answer.text)

        settings(BOUNDED, max_examples=30 * EXAMPLES)(run)()
    target.check_store()
