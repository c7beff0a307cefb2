"""Apps that are called without sockets get the requests of those that are called by HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inngest.dev import Engine, InProcessDriver, VirtualClock
from inngest.dev._internal.conftest import URL, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.drivers.signing import signature
from inngest.transport import CommRequest, CommResponse

HEADERS = {"X-Inngest-Sdk": "test:v1", "x-inngest-req-version": "2"}


class Recorder:
    """A handler that answers like the scripted app, and keeps what it was asked."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.requests: list[CommRequest] = []

    async def handle_async(self, request: CommRequest) -> CommResponse:
        self.requests.append(request)
        if request.method == "PUT":
            return CommResponse(status=200, body=b"synced")
        if request.query["fnId"] not in self.known:
            body = json.dumps({"code": "function_not_found"}).encode()
            return CommResponse(status=500, body=body, headers=HEADERS)
        if request.query["fnId"] == "app-broken":
            raise RuntimeError("the handler fails")
        answer, status = script(json.loads(request.body), request.query["stepId"])
        return CommResponse(status=status, body=json.dumps(answer).encode(), headers=HEADERS)


def script(body: dict[str, Any], target: str) -> tuple[Any, int]:
    if hashed("a") in body["steps"]:
        return "done", 200
    return [op("a", "StepRun", data=1)], 206


def run_once(driver: InProcessDriver, *function_ids: str, **options: Any) -> list[dict[str, Any]]:
    async def go() -> list[dict[str, Any]]:
        engine = Engine(clock=VirtualClock(1_800_000_000_000), driver=driver, **options)
        await engine.start()
        try:
            configs = [config(each, each) for each in function_ids]
            engine.register({"appName": "app", "url": URL, "functions": configs})
            ids = [send(engine, each, data={"n": 1.5}) for each in function_ids]
            return [await engine.wait_for_run(each) for each in ids]
        finally:
            await engine.stop()

    return bounded(go)


def test_the_requests_are_those_of_http(app: App) -> None:
    def answer(body: dict[str, Any], target: str) -> tuple[int, Any]:
        body, status = script(body, target)
        return status, body

    app.function(config("app-fn", "app-fn"), answer)

    async def by_http() -> None:
        async with running(app, clock=VirtualClock(1_800_000_000_000)) as engine:
            await engine.wait_for_run(send(engine, "app-fn", data={"n": 1.5}))

    bounded(by_http)
    recorder = Recorder("app-fn")
    (run,) = run_once(InProcessDriver(recorder), "app-fn")
    assert (run["status"], run["output"]) == ("Completed", "done")
    assert len(recorder.requests) == len(app.requests) == 2
    chosen_by_chance = ("x-run-id", "x-request-id", "x-inngest-job-id", "traceparent",
                        "content-length")  # fmt: skip
    of_the_connection = ("accept", "accept-encoding", "connection", "user-agent")
    for ours, theirs in zip(recorder.requests, app.requests, strict=True):
        assert (ours.method, ours.query) == (theirs.method, theirs.query)
        assert ours.url == theirs.url
        assert set(ours.headers) == set(theirs.headers) - set(of_the_connection)
        for name in set(ours.headers) - set(chosen_by_chance):
            assert ours.headers[name] == theirs.headers[name]
        assert set(json.loads(ours.body)) == set(json.loads(theirs.body))
        assert ours.headers["content-length"] == str(len(ours.body))


def test_each_call_goes_to_the_handler_that_knows_the_function() -> None:
    one, two = Recorder("app-one"), Recorder("app-two")
    runs = run_once(InProcessDriver(one, two), "app-one", "app-two")
    assert [run["status"] for run in runs] == ["Completed", "Completed"]
    assert [r.query["fnId"] for r in two.requests] == ["app-two", "app-two"]
    assert [r.query["fnId"] for r in one.requests].count("app-two") == 1, "asked once, not again"


def test_an_unknown_function_and_a_broken_handler_fail_the_attempt() -> None:
    driver = InProcessDriver(Recorder("app-broken"), Recorder())
    broken, unknown = run_once(driver, "app-broken", "app-unknown")
    assert broken["status"] == unknown["status"] == "Failed"
    assert "RuntimeError: the handler fails" in broken["output"]["error"]["message"]
    assert unknown["output"] == {"code": "function_not_found"}


def test_calls_are_signed_for_an_app_with_a_key() -> None:
    recorder, key = Recorder("app-fn"), "signkey-test-" + "ab" * 32
    run_once(InProcessDriver(recorder, signing_key=key), "app-fn", signing_key=key)
    request = recorder.requests[0]
    sent = request.headers["x-inngest-signature"]
    stamp = int(sent.split("&")[0].removeprefix("t="))
    assert sent == signature(key, request.body, stamp * 1000)


def test_a_sync_asks_every_handler() -> None:
    one, two = Recorder(), Recorder()
    driver = InProcessDriver(one, two)
    assert bounded(lambda: driver.sync(URL, kind="dev")) == (200, "synced")
    for recorder in (one, two):
        (request,) = recorder.requests
        assert (request.method, request.url) == ("PUT", URL)
        assert request.headers["x-inngest-server-kind"] == "dev"
        assert json.loads(request.body) == {"url": URL}


def test_a_driver_without_handlers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one handler"):
        InProcessDriver()
