"""Cost grows with the work, and no faster: counted in calls of functions, not in seconds."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import logging
import sys
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import inngest
from inngest import MiddlewareSync
from inngest._internal.flow import Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.errors import SendEventsError
from inngest.middleware import WrappedStep
from inngest.transport import CommRequest, Handler, ServeOptions

from .worlds import World

Steps = Generator[Any, Any, Any]


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


def counted(work: Callable[[], object]) -> int:
    """Count the function calls that ``work`` makes."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    gc.collect()
    gc.disable()  # what other tests have left is not ended meanwhile
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return calls


def is_linear(cost: Callable[[int], int], small: int = 100) -> bool:
    """Return whether four times the work costs about four times as much, rather than sixteen."""
    cost(2)  # imports and caches
    first, second = cost(small), cost(4 * small)
    return second < 5 * first


@pytest.fixture(params=["async", "sync"])
def thread_world(request: pytest.FixtureRequest) -> World:
    return World(request.param, "thread")


def test_replaying_is_linear_in_the_memos(thread_world: World) -> None:
    world = thread_world

    def body(ctx: Any) -> Steps:
        for n in range(ctx.event.data["n"]):
            yield ctx.step.run(f"s{n}", world.step())

    world.function(body)

    def cost(n: int) -> int:
        memos = {hashed(f"s{i}"): {"data": i} for i in range(n)}
        return counted(lambda: world.call(memos=memos, event={"data": {"n": n}}))

    assert is_linear(cost)


def test_changing_every_memo_is_linear(thread_world: World) -> None:
    world = thread_world

    class Changing(MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
            for output in steps.values():
                output.data = 1
            for hashed_id in ctx.event.data["ids"]:
                steps.pop(hashed_id)

    def body(ctx: Any) -> Steps:
        yield from ()

    world.client.middleware = [Changing]
    world.function(body)

    def cost(n: int) -> int:
        memos = {hashed(f"s{i}"): {"data": i} for i in range(n)}
        event = {"data": {"ids": list(memos)[::2]}}
        return counted(lambda: world.call(memos=memos, event=event))

    assert is_linear(cost)


def test_discovering_a_group_is_linear(thread_world: World) -> None:
    world = thread_world

    def one(name: str) -> Callable[[Any], Steps]:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.run(name, world.step()))

        return body

    def body(ctx: Any) -> Steps:
        names = [f"s{n}" for n in range(ctx.event.data["n"])]
        yield ctx.group.parallel(tuple(world.branch(one(name), ctx) for name in names))

    world.function(body)
    assert is_linear(lambda n: counted(lambda: world.call(event={"data": {"n": n}})))


class Large:
    """An object whose lifetime is observed while a function holds it."""


def fail() -> None:
    raise ValueError


class Failing(MiddlewareSync):
    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        fail()
        yield


ENDINGS = ("step", "failed step", "broken step", "group", "failed group", "return", "raise")


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_call_held_goes_with_it(world: World, ending: str) -> None:
    """At once, and not when the garbage collector comes by: it may be much."""
    held: list[weakref.ref[Large]] = []

    def branch(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step()))

    def failed_branch(ctx: Any) -> Any:
        fail()

    def body(ctx: Any) -> Steps:
        large = Large()
        held.append(weakref.ref(large))
        match ending:
            case "step" | "broken step":
                yield ctx.step.run("a", world.step())
            case "failed step":
                yield ctx.step.run("a", world.step(fail))
            case "group":
                yield ctx.group.parallel(tuple(world.branch(branch, ctx) for _ in range(2)))
            case "failed group":
                branches = (world.branch(branch, ctx), world.branch(failed_branch, ctx))
                yield ctx.group.parallel(branches)
            case "raise":
                raise ValueError(large)

    if ending == "broken step":
        world.client.middleware = [Failing]
    world.function(body)
    logging.disable()  # what is logged holds an error and its frames
    world.call()
    gc.collect()
    gc.disable()
    try:
        world.call()
        assert held[-1]() is None
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)


class Refusing(HTTPClients):
    def fetch(self, request: Request) -> Response:
        return Response(status=400, headers={}, body=b"")

    async def fetch_async(self, request: Request) -> Response:
        return self.fetch(request)


@pytest.mark.parametrize("is_async", [True, False])
def test_what_a_failed_send_held_goes_with_it(is_async: bool) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    client._http = Refusing()
    event = inngest.Event(name="a/b")

    async def send() -> weakref.ref[Large]:
        large = Large()
        try:
            await client.send(event) if is_async else client.send_sync(event)
        except SendEventsError:
            return weakref.ref(large)
        raise AssertionError("sent")

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(send())() is None
    finally:
        gc.enable()


def test_finding_a_function_does_not_depend_on_how_many_there_are() -> None:
    def cost(n: int) -> int:
        client = inngest.Inngest(app_id="app", is_production=False)
        trigger = inngest.TriggerEvent(event="e")
        functions = [
            client.create_function(fn_id=f"f{i}", trigger=trigger)(lambda ctx: 1) for i in range(n)
        ]
        handler = Handler(client, functions, ServeOptions(framework="test", environ={}))
        event = {"name": "e", "data": {}}
        body = {"ctx": {"run_id": "R", "attempt": 0}, "event": event, "steps": {}}
        request = CommRequest(
            method="POST",
            url="http://x/api/inngest",
            headers={},
            query={"fnId": f"app-f{n - 1}", "stepId": "step"},
            body=json.dumps(body).encode(),
        )
        assert handler.handle_sync(request).status == 200
        return counted(lambda: handler.handle_sync(request))

    assert abs(cost(400) - cost(10)) < 20  # a looked-up name more or less, not one a function


def test_an_output_is_encoded_once(thread_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[object] = []
    encode = json.JSONEncoder.iterencode

    def counting(encoder: json.JSONEncoder, value: object, **options: Any) -> Iterator[str]:
        encoded.append(value)
        return encode(encoder, value, **options)

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", thread_world.step(lambda: ["the output"])))

    thread_world.function(body)
    monkeypatch.setattr(json.JSONEncoder, "iterencode", counting)
    thread_world.call()
    assert encoded.count(["the output"]) == 1
    encoded.clear()
    assert thread_world.call(memos={hashed("a"): {"data": ["the output"]}}).status == 200
    assert encoded.count(["the output"]) == 1


def test_a_call_starts_one_task_and_no_thread() -> None:
    world = World("async", "loop")
    tasks: list[object] = []

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step()))

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def count(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
            tasks.append(coro)
            return asyncio.Task(coro, loop=loop, **options)

        loop.set_task_factory(count)
        handler = Handler(world.client, world.functions, ServeOptions(framework="t", environ={}))
        event = {"name": "e", "data": {}}
        sent = {"ctx": {"run_id": "R", "attempt": 0}, "event": event, "steps": {}}
        request = CommRequest(
            method="POST",
            url="http://x/api/inngest",
            headers={},
            query={"fnId": "app-fn", "stepId": "step"},
            body=json.dumps(sent).encode(),
        )
        assert (await handler.handle_async(request)).status == 206
        assert len(tasks) == 1
        assert loop._default_executor is None  # type: ignore[attr-defined]

    world.function(body)
    asyncio.run(run())
