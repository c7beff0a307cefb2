"""Checkpoints, in every world: fewer calls, the same results, nothing lost when they fail."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
import random
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import inngest
from inngest import Checkpointing, MiddlewareSync, TransformOutputResult
from inngest._internal.api import access
from inngest._internal.flow import FetchError, Pause, Request, Response
from inngest._internal.http import checkpoints, gate
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.step.transform import MAX_OUTPUT_BYTES
from inngest.middleware import WrappedHandler, WrappedStep

from .conftest import Make
from .test_random_programs import (
    ANSWERS,
    Reference,
    Work,
    interpret,
    interpret_sync,
)
from .test_random_programs import (
    Generator as Programs,
)
from .worlds import Reply, World

Steps = Generator[Any, Any, Any]
KEY = "signkey-test-00112233445566778899aabbccddeeff"


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


@dataclass(eq=False)  # clients are known by identity
class Server(HTTPClients):
    """Takes checkpoints, as its script says: a status, or an error, for each request."""

    script: list[int | str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    memos: dict[str, Any] = field(default_factory=dict)
    refusal: bytes = b'{"error":"x"}'

    def __post_init__(self) -> None:
        super().__init__()

    def fetch(self, request: Request) -> Response | FetchError:
        self.requests.append(request)
        outcome = self.script.pop(0) if self.script else 200
        if isinstance(outcome, str):
            return FetchError(OSError(outcome))
        if outcome == 200:
            body = json.loads(request.body)
            self.bodies.append(body)
            for step in body["steps"]:
                assert step["op"] == "StepRun"
                self.memos.setdefault(step["id"], {"data": step["data"]})
        return Response(status=outcome, headers={}, body=b"" if outcome == 200 else self.refusal)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        await asyncio.sleep(0)
        return self.fetch(request)

    @property
    def recorded(self) -> list[list[str]]:
        return [[step["displayName"] for step in body["steps"]] for body in self.bodies]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "Pause", lambda seconds: Pause(0))


@pytest.fixture
def server(world: World) -> Server:
    made = world.client._http = Server()
    return made


CTX = {"qi_id": "UTpkZWZhdWx0", "request_id": "Q", "generation_id": 1}


def five(world: World, count: int = 5) -> Any:
    def body(ctx: Any) -> Steps:
        total = 0
        for n in range(count):
            total += yield ctx.step.run(f"s{n}", world.step(lambda n=n: n, f"s{n}"))
        return total

    return body


def test_a_call_ends_where_middleware_has_made_json_of_an_output(
    world: World, server: Server
) -> None:
    """Code that went on with it would see something else than when it is replayed."""

    class ListingSets(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            if isinstance(result.output, set):
                result.output = sorted(result.output)

    def body(ctx: Any) -> Steps:
        first = yield ctx.step.run("first", world.step(lambda: 1))
        numbers = yield ctx.step.run("set", world.step(lambda: {first, 2}))
        world.log.append(numbers)
        return numbers

    world.client.add_middleware(ListingSets)
    world.function(body)
    reply = world.call(ctx=CTX)
    assert server.recorded == [["first"]]
    assert [(op["op"], op["data"]) for op in reply.body] == [("StepRun", [1, 2])]
    assert world.log == []


def test_a_call_ends_where_a_hook_fails_after_a_step_has_run(make_world: Make) -> None:
    """Its result is kept, and the next call fails, if the hook does so again."""

    class Failing(MiddlewareSync):
        def wrap_step(self, step: WrappedStep) -> Iterator[None]:
            yield
            if step.info.id == "b" and not step.info.is_memoized:
                raise ValueError("no")

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: 1, "a"))
        return (yield ctx.step.run("b", world.step(lambda: 2, "b")))

    world = make_world(middleware=[Failing])
    server = world.client._http = Server()
    world.function(body)
    assert world.call(ctx=CTX).ops == [("StepRun", "b")]
    assert server.recorded == [["a"]]
    memos = {**server.memos, hashed("b"): {"data": 2}}
    assert world.call(memos=memos, ctx=CTX).body == 2
    assert world.log == ["a", "b"]


def test_an_output_that_is_too_large_is_not_recorded(world: World, server: Server) -> None:
    """The server would refuse it; the step has failed, and its function may catch that."""

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("small", world.step(lambda: 1, "small"))
        try:
            yield ctx.step.run("big", world.step(lambda: "x" * 4 * 1024 * 1024, "big"))
        except inngest.StepError as error:
            return error.message
        return "the output is there"

    world.function(body)
    first = world.call(ctx=CTX)
    assert server.recorded == [["small"]]
    assert first.ops == [("StepFailed", "big")]
    memos = {**server.memos, hashed("big"): {"error": first.body[0]["error"]}}
    assert 'the output of step "big"' in world.call(memos=memos).body
    assert world.log == ["small", "big"]


def test_a_run_s_id_is_no_other_part_of_the_url(world: World, server: Server) -> None:
    world.function(five(world, 1))
    world.call(ctx={**CTX, "run_id": "../../v1/signals?x=\u00e9"})
    (request,) = server.requests
    assert request.url.endswith("/v1/checkpoint/..%2F..%2Fv1%2Fsignals%3Fx%3D%C3%A9/async")


def test_one_call_runs_every_step_and_records_each(world: World, server: Server) -> None:
    world.function(five(world))
    reply = world.call(ctx=CTX)
    assert (reply.status, reply.body) == (200, 10)
    assert server.recorded == [["s0"], ["s1"], ["s2"], ["s3"], ["s4"]]
    assert world.log == ["s0", "s1", "s2", "s3", "s4"]
    first = server.bodies[0]
    assert server.requests[0].url.endswith("/v1/checkpoint/R/async")
    assert {key: first[key] for key in ("run_id", "fn_id", "qi_id", "request_id")} == {
        "run_id": "R",
        "fn_id": "F",
        "qi_id": "UTpkZWZhdWx0",
        "request_id": "Q",
    }
    assert first["generation_id"] == 1
    assert first["ts"] >= first["request_started_at"] > 10**12
    timing = first["steps"][0]["timing"]
    assert timing["a"] > 10**18 and timing["b"] >= 0


def test_results_are_recorded_before_code_goes_on(world: World, server: Server) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        world.log.append(server.recorded)
        yield ctx.step.run("b", world.step())

    world.function(body)
    assert world.call(ctx=CTX).status == 200
    assert world.log[0] == [["a"]]


def test_a_buffer_is_recorded_when_it_is_full_and_at_the_end(world: World, server: Server) -> None:
    world.function(five(world), checkpointing=Checkpointing(buffered_steps=3))
    assert world.call(ctx=CTX).body == 10
    assert server.recorded == [["s0", "s1", "s2"], ["s3", "s4"]]


def test_what_a_function_declares_is_registered(world: World) -> None:
    options = Checkpointing(buffered_steps=3, max_interval=1000, max_runtime=600_000)
    world.function(five(world), checkpointing=options)
    config = world.functions[0].get_config("http://x/api/inngest").main.to_dict()
    assert config["checkpoint"] == {
        "batch_steps": 3,
        "batch_interval": "1s",
        "max_runtime": "10m",
    }


@pytest.mark.parametrize(
    "how",
    [
        {"target": hashed("s0")},
        {"plan_only": True},
        {"attempt": 1},
        {"ctx": {"qi_id": None}},
        {"ctx": {"fn_id": None}},
    ],
)
def test_when_a_call_ends_at_its_step_as_ever(
    world: World, server: Server, how: dict[str, Any]
) -> None:
    world.function(five(world))
    reply = world.call(**{**how, "ctx": {**CTX, **how.get("ctx", {})}})
    op = "StepPlanned" if how.get("plan_only") else "StepRun"
    assert reply.ops == [(op, "s0")]
    assert server.requests == []


def test_it_can_be_switched_off_and_on(make_world: Make) -> None:
    world = make_world(checkpointing=False)
    server = world.client._http = Server()
    off = world.function(five(world), "off")
    on = world.function(five(world), "on", checkpointing=True)
    assert world.call(off, ctx=CTX).ops == [("StepRun", "s0")]
    assert server.requests == []
    assert world.call(on, ctx=CTX).body == 10


def test_a_step_of_the_server_is_reported_alone(world: World, server: Server) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        yield ctx.step.sleep("nap", 1000)

    world.function(body, checkpointing=Checkpointing(buffered_steps=9))
    assert world.call(ctx=CTX).ops == [("Sleep", "nap")]
    assert server.recorded == [["a"]]


def test_parallel_steps_are_planned(world: World, server: Server) -> None:
    def branch(name: str) -> Any:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.run(name, world.step()))

        return body

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        branches = tuple(world.branch(branch(name), ctx) for name in "bc")
        yield ctx.group.parallel(branches)

    world.function(body)
    assert world.call(ctx=CTX).ops == [("StepPlanned", "b"), ("StepPlanned", "c")]
    assert server.recorded == [["a"]]


def test_a_failed_step_is_reported_after_the_others_are_recorded(
    world: World, server: Server
) -> None:
    def fail() -> None:
        raise ValueError("no")

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        yield ctx.step.run("b", world.step(fail))

    world.function(body, checkpointing=Checkpointing(buffered_steps=9))
    assert world.call(ctx=CTX).ops == [("StepError", "b")]
    assert server.recorded == [["a"]]


def test_an_error_of_the_function_does_not_lose_results(world: World, server: Server) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        raise ValueError("no")

    world.function(body, checkpointing=Checkpointing(buffered_steps=9))
    assert world.call(ctx=CTX).status == 500
    assert server.recorded == [["a"]]
    server.script = [400]
    assert world.call(ctx=CTX).ops == [("StepRun", "a")]


FAILURES: list[list[int | str]] = [
    ["down"] * 5,
    [500] * 5,
    [429, 503, "slow", 500, 502],
    [404],
    [400],
]


@pytest.mark.parametrize("script", FAILURES, ids=str)
def test_what_cannot_be_recorded_travels_in_the_answer(
    world: World, server: Server, script: list[int | str], caplog: pytest.LogCaptureFixture
) -> None:
    world.function(five(world), checkpointing=Checkpointing(buffered_steps=2))
    server.script = list(script)
    assert world.call(ctx=CTX).ops == [("StepRun", "s0"), ("StepRun", "s1")]
    assert len(server.requests) == len(script)
    assert world.log == ["s0", "s1"]
    assert "checkpoint" in caplog.text


@pytest.mark.parametrize("buffered", [1, 2])
def test_hooks_see_what_cannot_be_recorded_once(make_world: Make, buffered: int) -> None:
    seen: list[object] = []

    class Seeing(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            assert result.step is not None
            seen.append(result.step.id)
            result.output = [result.output]

    world = make_world(middleware=[Seeing])
    server = world.client._http = Server(script=[404])
    world.function(five(world), checkpointing=Checkpointing(buffered_steps=buffered))
    reply = world.call(ctx=CTX)
    steps = [f"s{n}" for n in range(buffered)]
    assert reply.ops == [("StepRun", step) for step in steps]
    assert [op["data"] for op in reply.body] == [[n] for n in range(buffered)]
    assert seen == steps
    assert len(server.requests) == 1


def test_a_request_is_tried_again(world: World, server: Server) -> None:
    world.function(five(world, 1))
    server.script = ["down", 500, 429]
    assert world.call(ctx=CTX).body == 0
    assert len(server.requests) == 4
    assert server.recorded == [["s0"]]


def test_after_a_failure_no_call_tries_for_a_while() -> None:
    now = [0.0]
    shut = gate.Gate(lambda: now[0])
    seen = [shut.is_open]
    shut.shut()
    seen.append(shut.is_open)
    now[0] = gate.PAUSE_SECONDS
    assert [*seen, shut.is_open] == [True, False, True]


@pytest.mark.parametrize(
    ("status", "data", "is_open"),
    [
        (400, {"run_id": "R"}, True),  # it has been cancelled, say
        (413, {"run_id": "R"}, True),
        (400, None, False),
        (503, {"run_id": "R"}, False),
    ],
)
def test_what_is_refused_for_one_run_is_taken_for_others(
    world: World,
    server: Server,
    status: int,
    data: object,
    is_open: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = gate.Gate()
    monkeypatch.setattr("inngest._internal.client.handler.Gate", lambda: shared)
    world.function(five(world), checkpointing=Checkpointing(buffered_steps=2))
    server.refusal = json.dumps({"error": "x", "data": data, "status": status}).encode()
    server.script = [status] * 5
    assert world.call(ctx=CTX).ops == [("StepRun", "s0"), ("StepRun", "s1")]
    assert len(server.requests) == (5 if status == 503 else 1)
    assert shared.is_open == is_open


def test_a_call_that_another_has_replaced_reports_nothing(world: World, server: Server) -> None:
    world.function(five(world))
    server.script = [200, 409]
    reply = world.call(ctx=CTX)
    assert (reply.status, reply.body["code"]) == (500, "stale_dispatch")
    assert "x-inngest-no-retry" not in reply.headers
    assert world.log == ["s0", "s1"]


def returns(ctx: Any) -> Steps:
    yield from ()
    return "done"


def sleeps(ctx: Any) -> Steps:
    yield ctx.step.sleep("nap", 1000)


def raises(ctx: Any) -> Steps:
    yield from ()
    raise ValueError("no")


@pytest.mark.parametrize("end", [returns, sleeps, raises])
def test_a_call_learns_at_its_end_that_another_has_replaced_it(
    world: World, server: Server, end: Any
) -> None:
    """What it would report may be another thing than what the other call comes to."""

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        return (yield from end(ctx))

    world.function(body, checkpointing=Checkpointing(buffered_steps=9))
    server.script = [409]
    reply = world.call(ctx=CTX)
    assert (reply.status, reply.body["code"]) == (500, "stale_dispatch")
    assert "x-inngest-no-retry" not in reply.headers


def test_what_cannot_be_recorded_is_not_lost_when_a_hook_fails(make_world: Make) -> None:
    class Failing(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            if result.step is not None and result.step.id == "nap":
                raise ValueError("no")

    world = make_world(middleware=[Failing], checkpointing=Checkpointing(buffered_steps=9))
    world.client._http = Server(script=[404])

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step())
        yield ctx.step.sleep("nap", 1000)

    world.function(body)
    assert world.call(ctx=CTX).ops == [("StepRun", "a")]
    assert world.call(memos={hashed("a"): {"data": None}}, ctx=CTX).status == 500


def test_a_buffer_holds_no_more_than_an_answer_may(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not taken travels in the answer, of which a server reads 8 MB."""
    assert checkpoints.MAX_BUFFER_BYTES + MAX_OUTPUT_BYTES < 8 * 1024 * 1024
    monkeypatch.setattr(checkpoints, "MAX_BUFFER_BYTES", 300)

    def large() -> str:
        return "é" * 100

    def body(ctx: Any) -> Steps:
        for n in range(4):
            yield ctx.step.run(f"s{n}", world.step(large))

    world.function(body, checkpointing=Checkpointing(buffered_steps=9))
    assert world.call(ctx=CTX).status == 200
    assert server.recorded == [["s0", "s1"], ["s2", "s3"]]


def test_a_call_that_has_run_long_enough_does_not_try_again(world: World, server: Server) -> None:
    """Its answer may be awaited no longer, by the web server for one: it has the results."""
    now = [0.0]
    real = gate.Gate.__init__

    class Hanging(Server):
        def fetch(self, request: Request) -> Response | FetchError:
            now[0] += 5
            self.requests.append(request)
            return FetchError(TimeoutError())

    world.client._http = hanging = Hanging()
    world.function(five(world), checkpointing=Checkpointing(max_runtime=8000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.Gate, "__init__", lambda self: real(self, lambda: now[0]))
        assert world.call(ctx=CTX).ops == [("StepRun", "s0")]
    assert len(hanging.requests) == 2


def test_the_second_key_is_tried(make_world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SIGNING_KEY_FALLBACK", KEY.replace("00", "11"))
    world = make_world(signing_key=KEY)
    server = world.client._http = Server(script=[401, 200])
    world.function(five(world, 1))
    assert world.call(ctx=CTX).body == 0
    bearers = [request.headers["authorization"] for request in server.requests]
    assert len(set(bearers)) == 2


def test_a_call_ends_when_it_has_run_long_enough(world: World, server: Server) -> None:
    now = [0.0]
    real = gate.Gate.__init__

    def slow(work: int) -> int:
        now[0] += 4
        return work

    def body(ctx: Any) -> Steps:
        for n in range(5):
            yield ctx.step.run(f"s{n}", world.step(slow), n)

    world.function(body, checkpointing=Checkpointing(max_runtime=datetime.timedelta(seconds=10)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.Gate, "__init__", lambda self: real(self, lambda: now[0]))
        reply = world.call(ctx=CTX)
    assert reply.ops == [("StepRun", "s2")]
    assert server.recorded == [["s0"], ["s1"]]


def test_a_buffer_is_recorded_when_its_time_has_come(world: World, server: Server) -> None:
    now = [0.0]
    real = gate.Gate.__init__

    def slow(work: int) -> int:
        now[0] += 0.6
        return work

    def body(ctx: Any) -> Steps:
        for n in range(5):
            yield ctx.step.run(f"s{n}", world.step(slow), n)

    world.function(body, checkpointing=Checkpointing(buffered_steps=9, max_interval=1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.Gate, "__init__", lambda self: real(self, lambda: now[0]))
        assert world.call(ctx=CTX).status == 200
    assert server.recorded == [["s0", "s1"], ["s2", "s3"], ["s4"]]


class Sealing(MiddlewareSync):
    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield
        step.output = {"sealed": json.dumps(step.output)[::-1]}

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield
        assert isinstance(step.output, dict)
        step.output = json.loads(step.output["sealed"][::-1])

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if result.step is not None:
            result.output = {"outer": result.output}

    def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        for output in steps.values():
            assert isinstance(output.data, dict)
            output.data = output.data["outer"]


def test_a_live_value_is_what_a_replayed_one_will_be(world: World, server: Server) -> None:
    def work() -> dict[datetime.date, tuple[int, str]]:
        return {datetime.date(2026, 1, 2): (1, "a")}

    def plain() -> Any:
        return {"a": (1, 2)}

    def body(ctx: Any) -> Steps:
        typed = yield ctx.step.run("typed", world.step(work))
        untyped = yield ctx.step.run("untyped", world.step(plain))
        assert typed == {datetime.date(2026, 1, 2): (1, "a")}
        assert untyped == {"a": [1, 2]}
        return "same"

    world.client.middleware = [Sealing]
    world.function(body)
    assert world.call(ctx=CTX).body == "same"
    sealed = {"outer": {"sealed": json.dumps({"2026-01-02": [1, "a"]})[::-1]}}
    assert server.bodies[0]["steps"][0]["data"] == sealed
    assert world.call(memos=server.memos, ctx=CTX).body == "same"


def test_user_code_that_waits_for_another_task_goes_on(server: Server, world: World) -> None:
    """A task that is set free by a checkpointed step is seen."""
    if not world.is_async:
        return

    async def handler(ctx: inngest.Context) -> list[object]:
        done = asyncio.Event()

        async def first() -> object:
            value = await ctx.step.run("a", world.step(lambda: 1))
            done.set()
            return value

        async def second() -> object:
            await done.wait()
            return await ctx.step.run("b", world.step(lambda: 2))

        return list(await asyncio.gather(first(), second()))

    trigger = inngest.TriggerEvent(event="test/fn")
    world.functions.append(world.client.create_function(fn_id="fn", trigger=trigger)(handler))
    assert world.call(ctx=CTX).body == [1, 2]
    assert server.recorded == [["a"], ["b"]]


@pytest.mark.parametrize("failures", [[], [404]], ids=str)
def test_code_that_does_not_wait_for_the_server_ends_the_call(
    make_world: Make, failures: list[int | str]
) -> None:
    """As under ``asyncio.timeout``: the step has run, so what stands in for it must not."""
    world = make_world()
    if not world.is_async:
        return

    class Slow(Server):
        async def fetch_async(self, request: Request) -> Response | FetchError:
            if not recording.is_set():
                recording.set()
                await asyncio.Event().wait()
            return await super().fetch_async(request)

    later = inngest.reference_function(app_id="other", function_id="later")
    recording = asyncio.Event()
    server = world.client._http = Slow(script=list(failures))

    async def handler(ctx: inngest.Context) -> object:
        first = asyncio.create_task(ctx.step.run("a", world.step(lambda: 1, "a")))
        if not world.log:
            await recording.wait()
            await ctx.step.defer("later", function=later)  # cannot be reported alone
            first.cancel()
        try:
            return await first
        except asyncio.CancelledError:
            return await ctx.step.run("instead", world.step(lambda: 2, "instead"))

    trigger = inngest.TriggerEvent(event="test/fn")
    world.functions.append(world.client.create_function(fn_id="fn", trigger=trigger)(handler))
    reported = ("StepRun", "a") if failures else ("DiscoveryRequest", "again")
    assert world.call(ctx=CTX).ops == [reported]
    assert server.memos == ({} if failures else {hashed("a"): {"data": 1}})
    assert world.call(memos={hashed("a"): {"data": 1}}, ctx=CTX).body == 1
    assert world.log == ["a"]


FAULTS: list[int | str] = [200, 200, 200, 200, 500, "down", 404, 401]


def test_a_step_that_fails_behind_steps_that_were_not_recorded_has_one_more_attempt(
    make_world: Make,
) -> None:
    """Several operations in one answer make the server plan, and planned steps begin anew."""
    world = make_world(checkpointing=Checkpointing(buffered_steps=9))
    server = world.client._http = Server()
    server.script = ["down"] * 5
    runs: list[str] = []

    def kept() -> int:
        runs.append("kept")
        return 1

    def failing() -> int:
        runs.append("failing")
        raise ValueError("no")

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("kept", world.step(kept))
        yield ctx.step.run("failing", world.step(failing))

    world.function(body)
    reply = world.play(memos=server.memos, ctx=CTX)
    assert (reply.status, reply.body["message"]) == (500, "no")
    assert Counter(runs) == {"kept": 1, "failing": 3 + 1}


@pytest.mark.parametrize("seed", range(80))
def test_random_programs_with_faults_end_as_without(make_world: Make, seed: int) -> None:
    """Every seed is another six programs: one for each world."""
    world = make_world(checkpointing=Checkpointing(buffered_steps=1 + seed % 3))
    rng = random.Random(f"{seed} {world.kind} {world.way}")
    server = world.client._http = Server()
    world.answers = ANSWERS
    program = Programs(rng).program()
    once_more: set[tuple[str, int]] = set()
    work, reference = Work(), Reference(once_more)
    handler: Any

    async def run_async(ctx: inngest.Context) -> Any:
        return await interpret(ctx, work, program, Counter())

    def run_sync(ctx: inngest.ContextSync) -> Any:
        return interpret_sync(ctx, work, program, Counter())

    handler = run_async if world.is_async else run_sync
    trigger = inngest.TriggerEvent(event="test/fn")
    world.functions.append(world.client.create_function(fn_id="fn", trigger=trigger)(handler))

    def before_call() -> None:
        faults = [rng.choice(FAULTS) for _ in range(20)]
        server.script = [each for fault in faults for each in [fault] * (5 if fault != 200 else 1)]

    def answered(reply: Reply) -> None:
        steps = [] if reply.status != 206 else [op for op in reply.body if "Defer" not in op["op"]]
        if len(steps) > 1 and steps[-1]["op"] == "StepError":  # as in the test above
            once_more.add((steps[-1]["displayName"], steps[-1]["userland"]["index"] or 0))

    reply = world.play(memos=server.memos, ctx=CTX, before_call=before_call, answered=answered)
    check(reply, reference, program)
    assert work.done == reference.expected


def check(reply: Reply, reference: Reference, program: Any) -> None:
    reason, expected = reference.outcome(program)
    if reason is None:
        assert (reply.status, reply.body) == (200, expected)
    else:
        assert (reply.status, reply.body["message"]) == (500, reason)
