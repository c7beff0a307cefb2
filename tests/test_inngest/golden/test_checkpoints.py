"""The recording of checkpoints, against our SDK.

The recorded app chooses by itself what to record and what to report; ours always records the
step that it has run. So the server's side is played, and our requests and answers are
compared step by step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from inngest import Checkpointing, Inngest
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients

from .differences import GENERAL, HAND_MADE, Rule, step_id
from .engine_recordings import CHECKPOINTS
from .engine_replay import restored
from .handmade import KINDS, App, seconds
from .replay import Answered, Exchange, _flat, base_url_of, compare, flask_app, load

EXCHANGES = [restored(each) for each in load(CHECKPOINTS)]
ACCEPTED = EXCHANGES[3]
DISPATCH = ("run_id", "fn_id", "qi_id", "request_id", "generation_id")
MADE_ANEW = {"timing"}


class Server(HTTPClients):
    """Answers every checkpoint as one was answered."""

    def __init__(self, answer: Exchange) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Response | FetchError:
        self.asked.append(request)
        raw = b"" if self.answer.response_body is None else self.answer.answer.body
        return Response(status=self.answer.status, headers={}, body=raw)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)


@dataclass
class Called:
    """What our SDK did when it was called as recorded."""

    answer: Answered
    asked: list[Request]

    @property
    def ops(self) -> list[dict[str, Any]]:
        assert self.answer.status == 206, self.answer
        found: list[dict[str, Any]] = json.loads(self.answer.body)
        return found

    def recorded(self, index: int) -> list[dict[str, Any]]:
        """The steps of a checkpoint."""
        found: list[dict[str, Any]] = json.loads(self.asked[index].body)["steps"]
        return found


def call(kind: str, index: int, answer: Exchange = ACCEPTED) -> Called:
    client = Inngest(app_id="rec-checkpoint-async", is_production=False)
    server = client._http = Server(answer)
    app = App(client, kind)
    declare(app)
    ask = flask_app(client, app.functions, base_url_of(CHECKPOINTS))
    asked = EXCHANGES[index]
    answered = ask(asked.method, asked.path, asked.headers, asked.raw, None)
    return Called(answered, server.asked)


def declare(app: App) -> None:
    values: dict[str, Any] = {"a": 1, "b": {"x": 2}, "c": "last"}

    def batch(ctx: Any) -> Any:
        found = {}
        for name, value in values.items():
            found[name] = yield ctx.step.run(name, app.work(value))
        return found

    def sleep(ctx: Any) -> Any:
        found = yield ctx.step.run("a", app.work(1))
        yield ctx.step.sleep("nap", seconds(1))
        return {step_id("a"): {"data": found}, step_id("nap"): None}

    def fallback(ctx: Any) -> Any:
        found = yield ctx.step.run("a", app.work(1))
        return {step_id("a"): {"data": found}}

    checkpointing = Checkpointing(
        buffered_steps=1, max_interval=seconds(1), max_runtime=seconds(600)
    )
    for body in (batch, sleep, fallback):
        app.add(body.__name__, f"ck/{body.__name__}", body, checkpointing=checkpointing)


def unlike(recorded: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    """Where two lists of operations differ, beyond what a recording without an SDK may."""
    for one in (*recorded, *ours):
        if "timing" in one:
            assert one["timing"]["a"] > 10**18
            assert one["timing"]["b"] >= 0
    pairs = [[{k: v for k, v in op.items() if k not in MADE_ANEW} for op in each]
             for each in (recorded, ours)]  # fmt: skip
    used: set[Rule] = set()
    rules = (*GENERAL, *HAND_MADE)
    return compare(_flat("body", pairs[0]), _flat("body", pairs[1]), rules, used)


def same_dispatch(recorded: Exchange, request: Request) -> None:
    ours = json.loads(request.body)
    assert request.method == recorded.method
    assert request.url.endswith(recorded.path.rpartition("/v1")[2])
    assert {k: ours[k] for k in DISPATCH} == {k: recorded.body[k] for k in DISPATCH}
    assert set(ours) == set(recorded.body)
    assert all(type(ours[k]) is int for k in ("ts", "request_started_at"))


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_recorded_as_recorded(kind: str) -> None:
    done = call(kind, 2)
    for exchange, request in zip(EXCHANGES[3:5], done.asked, strict=False):
        same_dispatch(exchange, request)
        assert unlike(exchange.body["steps"], json.loads(request.body)["steps"]) == {}
    # the recorded app reports the last step with the end of the run; ours has recorded it
    last, complete = EXCHANGES[2].response_body
    assert unlike([last], done.recorded(2)) == {}
    assert (done.answer.status, json.loads(done.answer.body)) == (200, complete["data"])
    assert len(done.asked) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_server_carries_out_is_reported_behind_the_checkpoint(kind: str) -> None:
    done = call(kind, 6)
    (request,) = done.asked
    same_dispatch(EXCHANGES[7], request)
    assert unlike(EXCHANGES[7].body["steps"], done.recorded(0)) == {}
    assert unlike(EXCHANGES[6].response_body, done.ops) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [8, 12])
def test_the_next_call_goes_on_as_recorded(kind: str, index: int) -> None:
    done = call(kind, index)
    assert (done.answer.status, json.loads(done.answer.body)) == (
        EXCHANGES[index].status,
        EXCHANGES[index].response_body,
    )
    assert done.asked == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refusal", [11, 31])
def test_what_the_server_refuses_is_reported_as_recorded(kind: str, refusal: int) -> None:
    """A run that it does not know, and an output that is too large."""
    done = call(kind, 10, EXCHANGES[refusal])
    assert len(done.asked) == 1
    assert unlike(EXCHANGES[11].body["steps"], done.recorded(0)) == {}
    assert unlike(EXCHANGES[10].response_body, done.ops) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refusal", [28, 29])
def test_a_call_that_was_overtaken_ends_with_nothing(kind: str, refusal: int) -> None:
    done = call(kind, 2, EXCHANGES[refusal])
    assert len(done.asked) == 1
    assert done.answer.status == 500
    body = json.loads(done.answer.body)
    assert body["code"] == "stale_dispatch"
    assert EXCHANGES[refusal].response_body["error"] in body["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_reports_its_step(kind: str) -> None:
    """The recorded app records on; ours lets the next step have all its attempts."""
    asked = EXCHANGES[35]
    client = Inngest(app_id="rec-checkpoint-async", is_production=False)
    server = client._http = Server(ACCEPTED)
    app = App(client, kind)

    def retry(ctx: Any) -> Any:
        yield ctx.step.run("a", app.work(1))
        raise RuntimeError("after checkpoint")

    app.add("retry", "ck/retry", retry, retries=2)
    ask = flask_app(client, app.functions, base_url_of(CHECKPOINTS))
    answer = ask(asked.method, asked.path, asked.headers, asked.raw, None)
    assert server.asked == []
    assert unlike(EXCHANGES[36].body["steps"], Called(answer, []).ops) == {}
