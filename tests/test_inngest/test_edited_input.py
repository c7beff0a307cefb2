"""A run is started again from a step, with arguments that somebody has edited."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pydantic
import pytest

import inngest
from inngest.dev import DevServer, Engine, InProcessDriver, VirtualClock
from inngest.transport import Handler, ServeOptions

from .ports import free_port

DAY = datetime.timedelta(days=1)
APP = "http://in-process.test/api/inngest"


class Order(pydantic.BaseModel):
    article: str
    count: int


Rerun = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture(params=["async", "sync"])
def rerun(
    request: pytest.FixtureRequest, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rerun]:
    """Run ``first``, ``charge`` and ``last``, rerun them as ``body`` says; return the result."""
    port = free_port()
    monkeypatch.setenv("INNGEST_DEV", f"http://127.0.0.1:{port}")
    client = inngest.Inngest(app_id="shop", is_production=False)
    declare = client.create_function(fn_id="fn", retries=1)

    def charge(order: Order, attempt: int) -> str:
        calls.append("charge")
        if order.article == "broken" and attempt == 0:
            raise ValueError("not at once")
        return order.article * order.count

    def note(name: str) -> str:
        calls.append(name)
        return name

    async def charge_async(order: Order, attempt: int) -> str:
        return charge(order, attempt)

    async def note_async(name: str) -> str:
        return note(name)

    async def handler(ctx: inngest.Context) -> list[str]:
        first = await ctx.step.run("first", note_async, "first")
        order = Order(article="tea", count=2)
        charged = await ctx.step.run("charge", charge_async, order, 1)
        await ctx.step.sleep("nap", "1h")
        return [first, charged, await ctx.step.run("last", note_async, "last")]

    def handler_sync(ctx: inngest.ContextSync) -> list[str]:
        first = ctx.step.run("first", note, "first")
        charged = ctx.step.run("charge", charge, Order(article="tea", count=2), 1)
        ctx.step.sleep("nap", "1h")
        return [first, charged, ctx.step.run("last", note, "last")]

    fn = declare(handler) if request.param == "async" else declare(handler_sync)
    app = Handler(client, [fn], ServeOptions(framework="test", environ={}))
    engine = Engine(clock=VirtualClock(), driver=InProcessDriver(app))
    with DevServer(port=port, engine=engine) as server:
        configs = fn.configs(APP)
        body = {"appName": "shop", "url": APP, "functions": configs}
        assert httpx.post(f"{server.origin}/fn/register", json=body, timeout=60).status_code == 200
        assert (
            httpx.post(f"{server.origin}/invoke/shop-fn", json={"data": {}}, timeout=60).status_code
            == 200
        )
        server.advance(DAY)
        (run,) = server.runs()
        assert run["output"] == ["first", "teatea", "last"]
        calls.clear()

        def rerun(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            answer = httpx.post(
                f"{server.origin}/v0/runs/{run['run_id']}/rerun", json=asked, timeout=60
            )
            if answer.status_code != 200:
                return answer.status_code, answer.json()
            server.advance(DAY)
            again = answer.json()["run_id"]
            return 200, next(each for each in server.runs() if each["run_id"] == again)

        yield rerun
    app.close()
    client.close()


def test_the_step_runs_with_the_edited_arguments(rerun: Rerun, calls: list[str]) -> None:
    _, run = rerun({"from_step": "charge", "input": [{"article": "milk", "count": 3}, 1]})
    assert (run["status"], run["output"]) == ("Completed", ["first", "milkmilkmilk", "last"])
    assert calls == ["charge", "last"]


def test_a_step_with_edited_arguments_is_retried_with_them(rerun: Rerun, calls: list[str]) -> None:
    _, run = rerun({"from_step": "charge", "input": [{"article": "broken", "count": 1}, 0]})
    assert run["status"] == "Failed"
    assert "not at once" in str(run["output"])
    assert calls == ["charge", "charge"]


def test_arguments_that_do_not_fit_fail_the_step_for_good(rerun: Rerun, calls: list[str]) -> None:
    _, run = rerun({"from_step": "charge", "input": [{"article": "milk"}, 0]})
    assert run["status"] == "Failed"
    assert 'the edited input of step "charge"' in str(run["output"])
    assert calls == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"input": []}, "from_step"),
        ({"from_step": "charge", "input": {"order": 1}}, "a list of arguments"),
        ({"from_step": "nap", "input": []}, "runs no code of the app"),
    ],
)
def test_what_cannot_be_edited_is_said(rerun: Rerun, asked: dict[str, Any], says: str) -> None:
    status, answer = rerun(asked)
    assert (status, says in answer["error"]) == (400, True), answer
