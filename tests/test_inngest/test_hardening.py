"""What hostile or careless user code must not be able to do."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import flask
import pytest

import inngest
import inngest.flask
from inngest._internal.runtime import async_run, portal
from inngest.dev import Engine, UnusableDatabaseError

GO = inngest.TriggerEvent(event="app/go")


def call(
    function: inngest.Function[object], client: inngest.Inngest
) -> tuple[int, Any, str | None]:
    app = flask.Flask(__name__)
    inngest.flask.serve(app, client, [function])
    body = {
        "ctx": {"run_id": "r", "attempt": 0, "max_attempts": 5},
        "event": {"name": "app/go", "data": {}},
        "steps": {},
    }
    answer = app.test_client().post(f"/api/inngest?fnId={function.id}&stepId=step", json=body)
    return answer.status_code, answer.json, answer.headers.get("x-inngest-no-retry")


@pytest.fixture
def client() -> inngest.Inngest:
    return inngest.Inngest(app_id="app", is_production=False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_task_that_ignores_its_cancellation_does_not_hold_the_answer_back(
    client: inngest.Inngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_run, "UNWIND_SECONDS", 0.001)
    monkeypatch.setattr(portal, "CLOSING_SECONDS", 0.001)
    stubborn: list[asyncio.Task[None]] = []

    async def never_end() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async def one() -> int:
        return 1

    @client.create_function(fn_id="fn", trigger=GO)
    async def fn(ctx: inngest.Context) -> object:
        stubborn.append(asyncio.create_task(never_end()))
        await asyncio.sleep(0)
        return await ctx.step.run("s", one)

    status, ops, _ = call(fn, client)
    assert status == 206
    assert ops[0]["data"] == 1


def test_a_step_that_cancels_itself_is_a_failed_step(client: inngest.Inngest) -> None:
    async def cancelled() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    @client.create_function(fn_id="fn", trigger=GO)
    async def fn(ctx: inngest.Context) -> object:
        return await ctx.step.run("s", cancelled)

    status, answer, _ = call(fn, client)
    if sys.version_info >= (3, 11):
        assert (status, answer[0]["op"]) == (206, "StepError")
    else:  # Python 3.10 does not tell who cancelled: the function fails, and is retried
        assert (status, answer["code"]) == (500, "unknown")


def test_a_huge_error_message_is_clipped_and_stays_final(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=GO)
    def fn(ctx: inngest.ContextSync) -> object:
        raise inngest.NonRetriableError("x" * 9_000_000)

    status, error, no_retry = call(fn, client)
    assert (status, no_retry) == (500, "true")
    assert len(error["message"]) < 100_000
    assert "omitted" in error["message"]


def test_invoke_with_data_that_is_not_json_fails_for_good_and_names_the_step(
    client: inngest.Inngest,
) -> None:
    @client.create_function(fn_id="fn", trigger=GO)
    def fn(ctx: inngest.ContextSync) -> object:
        return ctx.step.invoke("call", function=fn, data={"a": object()})

    status, error, no_retry = call(fn, client)
    assert (status, no_retry, error["code"]) == (500, "true", "output_unserializable")
    assert 'step "call"' in error["message"]


def test_two_engines_never_share_a_database(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.db")

    async def start_both() -> None:
        first = Engine(db=path)
        await first.start()
        try:
            with pytest.raises(UnusableDatabaseError):
                await Engine(db=path).start()
        finally:
            await first.stop()
        second = Engine(db=path)
        await second.start()
        await second.stop()

    asyncio.run(start_both())


@pytest.mark.parametrize("quiet", [False, True])
def test_a_failed_step_is_logged_unless_asked_to_be_quiet(
    client: inngest.Inngest, caplog: pytest.LogCaptureFixture, quiet: bool
) -> None:
    def fail() -> None:
        raise inngest.NonRetriableError("out of stock", quiet=quiet)

    @client.create_function(fn_id="fn", trigger=GO)
    def fn(ctx: inngest.ContextSync) -> object:
        return ctx.step.run("reserve", fail)

    status, _, no_retry = call(fn, client)
    assert (status, no_retry) == (206, "true")
    assert ("out of stock" in caplog.text) is not quiet
