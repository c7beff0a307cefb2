"""What a predecessor of this library got wrong, seen from outside; tests/defects.toml lists all."""

from __future__ import annotations

import ast
import asyncio
import datetime
import hashlib
import json
import logging
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.test import TestResponse

import inngest
import inngest.flask
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.protocol import signature
from inngest._internal.runtime.http_clients import HTTPClients

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).parents[2]
SIGNING_KEY = "signkey-test-00112233445566778899aabbccddeeff"
SECRET = "s3cr3t-of-the-request"
BOTH = pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])


def client_of(*, is_production: bool = False, **options: Any) -> inngest.Inngest:
    return inngest.Inngest(
        app_id="app", is_production=is_production, signing_key=SIGNING_KEY, **options
    )


def served(
    handler: Callable[..., Any], client: inngest.Inngest | None = None, **options: Any
) -> flask.Flask:
    client = client or client_of()
    trigger = inngest.TriggerEvent(event="e")
    function: Any = client.create_function(fn_id="fn", trigger=trigger)(handler)
    app = flask.Flask("app")
    inngest.flask.serve(app, client, [function], **options)
    return app


def of(is_async: bool, work: Callable[[], object]) -> Callable[..., Any]:
    """Make a function that calls ``work``."""

    async def asynchronous(ctx: inngest.Context) -> object:
        return work()

    def sync(ctx: inngest.ContextSync) -> object:
        return work()

    return asynchronous if is_async else sync


def of_step(is_async: bool, work: Callable[[], object]) -> Callable[..., Any]:
    """Make a function with a step that calls ``work``."""

    async def awaited() -> object:
        return work()

    async def asynchronous(ctx: inngest.Context) -> object:
        return await ctx.step.run("a", awaited)

    def sync(ctx: inngest.ContextSync) -> object:
        return ctx.step.run("a", work)

    return asynchronous if is_async else sync


def call(
    app: flask.Flask, *, step: str = "step", memos: dict[str, object] | None = None
) -> TestResponse:
    body = {
        "ctx": {"run_id": "R", "attempt": 0, "max_attempts": 4, "stack": {"stack": []}},
        "event": {"name": "e", "data": {"secret": SECRET}},
        "steps": {hashed(name): memo for name, memo in (memos or {}).items()},
    }
    return app.test_client().post(f"/api/inngest?fnId=app-fn&stepId={step}", data=json.dumps(body))


def hashed(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Request], list[Any]]:
    """Replace the network: collect requests, and respond with these responses."""
    requests: list[Request] = []
    answers: list[Response | FetchError] = []

    def fetch(self: HTTPClients, request: Request) -> Response | FetchError:
        requests.append(request)
        return answers.pop(0)

    monkeypatch.setattr(HTTPClients, "fetch", fetch)
    return requests, answers


@BOTH
@pytest.mark.parametrize("is_known", [True, False])
def test_a_targeted_step_that_is_not_found_is_a_retried_error_never_a_result(
    is_async: bool, is_known: bool
) -> None:
    memos: dict[str, object] = {"a": {"data": 1}} if is_known else {}
    app = served(of_step(is_async, lambda: 1))
    answer = call(app, step=hashed("gone"), memos=memos)
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["code"] == "step_unexpected"
    assert "x-inngest-no-retry" not in answer.headers


@pytest.mark.parametrize("is_known", [True, False])
def test_a_group_without_the_targeted_step_never_gives_a_shorter_tuple(is_known: bool) -> None:
    seen: list[object] = []

    def handler(ctx: inngest.ContextSync) -> object:
        seen.append(ctx.group.parallel((lambda: ctx.step.run("a", str),)))
        return seen[-1]

    memos: dict[str, object] = {"a": {"data": "x"}} if is_known else {}
    answer = call(served(handler), step=hashed("gone"), memos=memos)
    assert answer.status_code == 500
    assert seen == ([("x",)] if is_known else [])


@pytest.mark.parametrize(
    "outcome",
    [
        Response(status=400, headers={}, body=b'{"error":"App ID required"}'),
        Response(status=500, headers={}, body=b"<html>"),
        FetchError(ConnectionError("refused")),
    ],
)
def test_a_registration_that_failed_is_answered_as_a_failure(
    outcome: Response | FetchError, fetched: tuple[list[Request], list[Any]]
) -> None:
    fetched[1].append(outcome)
    answer = served(of(False, lambda: 1)).test_client().put("/api/inngest")
    assert answer.status_code >= 400
    assert answer.json is not None
    assert answer.json["code"] in ("registration_failed", "server_unreachable")


def test_the_request_timeout_holds_for_every_call_to_the_server(
    fetched: tuple[list[Request], list[Any]],
) -> None:
    requests, answers = fetched
    answers += [
        Response(status=200, headers={}, body=b'{"ok":true}'),
        Response(status=200, headers={}, body=b"{}"),
        Response(status=200, headers={}, body=b"[]"),
    ]
    timeout = datetime.timedelta(seconds=1.5)
    app = served(of(False, lambda: 1), client_of(request_timeout=timeout))
    assert app.test_client().put("/api/inngest").status_code == 200
    body = {"ctx": {"run_id": "R", "attempt": 0}, "event": {"name": "e"}, "steps": {}}
    data = json.dumps({**body, "use_api": True})
    answer = app.test_client().post("/api/inngest?fnId=app-fn", data=data)
    assert answer.status_code == 200
    assert [request.timeout for request in requests] == [1.5] * 3


@BOTH
def test_gathered_steps_are_reported_and_none_runs_twice(is_async: bool) -> None:
    ran: list[str] = []

    async def work(name: str) -> str:
        ran.append(name)
        return name

    async def asynchronous(ctx: inngest.Context) -> object:
        return await asyncio.gather(*(ctx.step.run(name, work, name) for name in "ab"))

    def sync(ctx: inngest.ContextSync) -> object:
        def step(name: str) -> Callable[[], None]:
            return lambda: ctx.step.run(name, ran.append, name)

        return ctx.group.parallel(tuple(step(name) for name in "ab"))

    app = served(asynchronous if is_async else sync)
    planned = call(app).json
    assert planned is not None
    assert [op["op"] for op in planned] == ["StepPlanned"] * 2
    assert ran == []
    call(app, step=hashed("b"))
    assert ran == ["b"]


@BOTH
@pytest.mark.parametrize(
    "value", [math.nan, [math.inf], {1, 2}, object()], ids=["nan", "infinity", "set", "object"]
)
def test_output_that_is_not_json_fails_for_good_with_valid_json(
    is_async: bool, value: object
) -> None:
    answer = call(served(of(is_async, lambda: value)))
    assert answer.status_code == 500
    assert answer.headers["x-inngest-no-retry"] == "true"
    assert json.loads(answer.text)["code"] == "output_unserializable"
    step = call(served(of_step(is_async, lambda: value)))
    assert step.status_code == 206
    assert step.headers["x-inngest-no-retry"] == "true"
    assert json.loads(step.text, parse_constant=pytest.fail)[0]["op"] == "StepFailed"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this platform has one time zone")
def test_times_across_the_change_of_clocks_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        until = datetime.datetime(2030, 7, 1, 12)  # noqa: DTZ001
        winter = datetime.datetime(2030, 1, 1, 12)  # noqa: DTZ001

        def handler(ctx: inngest.ContextSync) -> None:
            ctx.step.sleep_until("a", until)

        answer = call(served(handler))
        later = call(served(of(False, raising(inngest.RetryAfterError("x", winter)))))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert answer.json is not None
    assert answer.json[0]["name"] == "2030-07-01T10:00:00.000Z"
    assert later.headers["retry-after"] == "2030-01-01T11:00:00.000Z"


def test_two_functions_of_one_id_are_refused() -> None:
    client = client_of()
    trigger = inngest.TriggerEvent(event="e")
    two = [
        client.create_function(fn_id="fn", trigger=trigger)(of(False, lambda: 1)) for _ in range(2)
    ]
    with pytest.raises(FunctionConfigInvalidError, match="app-fn"):
        inngest.flask.serve(flask.Flask("app"), client, two)


@pytest.mark.parametrize("header", [None, "t=1&s=x", f"t=1&s={'0' * 64}"])
def test_a_body_is_not_parsed_before_its_signature_was_looked_at(
    header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{signature.__name__}.json.loads", pytest.fail)
    monkeypatch.setattr(signature, "canonicalize", pytest.fail)
    app = served(of(False, lambda: 1), client_of(is_production=True))
    headers = {} if header is None else {"x-inngest-signature": header}
    data = b'{"a":' * 100_000
    answer = app.test_client().post("/api/inngest?fnId=app-fn", data=data, headers=headers)
    assert answer.status_code == 401


def test_what_is_wrong_with_an_event_is_told_and_logged_without_its_data(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = {
        "ctx": {"run_id": "R", "attempt": 0},
        "event": {"name": [SECRET], "data": SECRET},
        "steps": {},
    }
    app = served(of(False, lambda: 1))
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().post("/api/inngest?fnId=app-fn", data=json.dumps(body))
    assert answer.status_code == 400
    assert SECRET not in answer.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(("option", "status"), [(None, 401), (False, 401), (True, 200)])
def test_an_unsigned_sync_is_refused_in_cloud_mode_unless_asked_for(
    option: bool | None, status: int, fetched: tuple[list[Request], list[Any]]
) -> None:
    fetched[1].append(Response(status=200, headers={}, body=b'{"ok":true}'))
    client = client_of(is_production=True)
    app = served(of(False, lambda: 1), client, enable_unauthed_sync=option)
    assert app.test_client().put("/api/inngest").status_code == status
    assert len(fetched[0]) == (status == 200)


@BOTH
@pytest.mark.parametrize(
    "error",
    [SystemExit(3), asyncio.CancelledError(), RecursionError(), ValueError("no")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("is_in_step", [False, True])
def test_nothing_that_user_code_raises_escapes_to_the_framework(
    is_async: bool, error: BaseException, is_in_step: bool
) -> None:
    app = served((of_step if is_in_step else of)(is_async, raising(error)))
    app.testing = True  # let what escapes reach this test
    answer = call(app)
    assert answer.status_code in (206, 500)
    assert answer.headers["x-inngest-sdk"]
    assert answer.json


@BOTH
@pytest.mark.parametrize("is_quiet", [False, True])
def test_an_error_of_the_function_is_logged_unless_it_is_quiet(
    is_async: bool, is_quiet: bool, caplog: pytest.LogCaptureFixture
) -> None:
    error = inngest.NonRetriableError("out of stock", quiet=is_quiet)
    with caplog.at_level(logging.DEBUG, "inngest"):
        call(served(of(is_async, raising(error))))
    assert ("out of stock" in caplog.text) is not is_quiet


def test_every_defect_names_tests_that_exist_or_a_reason() -> None:
    listed = tomllib.loads((ROOT / "tests" / "defects.toml").read_text("utf-8"))["defect"]
    assert [row["row"] for row in listed] == list(range(1, 51))
    for row in listed:
        assert bool(row.get("tests")) or row.get("reason"), row
        for test in row.get("tests", []):
            path, _, name = test.partition("::")
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert name in names, test
