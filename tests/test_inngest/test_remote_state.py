"""`inngest.experimental.remote_state_middleware`: values elsewhere, pointers with the server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import inngest
from inngest.dev.testing import AsyncVirtualEngine, VirtualEngine
from inngest.experimental.remote_state_middleware import (
    InMemoryDriver,
    RemoteStateMiddleware,
    S3Driver,
    StateDriver,
)
from inngest.middleware import StepMemos
from inngest.testing import MiddlewareSuite

from .conftest import Make
from .s3_server import s3_client, s3_server

BUCKET = "state"
DRIVERS: list[type[StateDriver]] = [InMemoryDriver, S3Driver]  # both are what core asks for
SECRET = "only in the store"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with s3_server() as origin:
        client = s3_client(origin)
        client.create_bucket(Bucket=BUCKET)
        yield client
        client.close()


@pytest.fixture(params=["memory", "s3"])
def driver(request: pytest.FixtureRequest) -> StateDriver:
    if request.param == "memory":
        return InMemoryDriver()
    return S3Driver(bucket=BUCKET, client=request.getfixturevalue("s3"))


class TestRemoteState(MiddlewareSuite):
    driver = InMemoryDriver()

    def build(self) -> Any:
        return RemoteStateMiddleware.factory(self.driver)


def test_what_is_kept_elsewhere_may_be_large(make_world: Make) -> None:
    world = make_world(middleware=[RemoteStateMiddleware.factory(InMemoryDriver())])

    def body(ctx: Any) -> Any:
        large = yield ctx.step.run("large", world.step(lambda: "x" * 5 * 1024 * 1024))
        return str(len(large))

    world.function(body)
    assert world.play().status == 200
    assert world.finished == ["large"]


def test_values_are_kept_elsewhere_and_given_back(make_world: Make, driver: StateDriver) -> None:
    world = make_world(middleware=[RemoteStateMiddleware.factory(driver)])

    def body(ctx: Any) -> Any:
        one = yield ctx.step.run("one", world.step(lambda: {"text": SECRET, "n": [1, None]}))
        two = yield ctx.step.run("two", world.step(lambda: [one, "ä"]))
        yield ctx.step.sleep("pause", 1000)
        world.log.append(two)
        return two

    world.function(body)
    memos: dict[str, Any] = {}
    reply = world.play(memos=memos)
    assert world.log[-1] == [{"text": SECRET, "n": [1, None]}, "ä"]
    strategy = "inngest/s3" if isinstance(driver, S3Driver) else "inngest/memory"
    pointers = [memo["data"] for memo in memos.values() if memo is not None] + [reply.body]
    assert len(pointers) == 3
    for pointer in pointers:
        assert set(pointer) - {"bucket", "key"} == {"__REMOTE_STATE__", "__STRATEGY__", "data"}
        assert (pointer["__REMOTE_STATE__"], pointer["__STRATEGY__"]) == (True, strategy)
    assert SECRET not in json.dumps([memos, reply.body])


def test_an_invoked_functions_output_is_read_by_its_invoker(driver: StateDriver) -> None:
    client = inngest.Inngest(
        app_id="app",
        is_production=False,
        middleware=[RemoteStateMiddleware.factory(driver)],
    )

    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="child"))
    def child(ctx: inngest.ContextSync) -> str:
        return SECRET

    @client.create_function(fn_id="parent", trigger=inngest.TriggerEvent(event="parent"))
    def parent(ctx: inngest.ContextSync) -> bool:
        seen.append(ctx.step.invoke("ask", function=child))
        return True

    seen: list[str] = []
    with VirtualEngine(client, [child, parent]) as engine:
        run = engine.send(inngest.Event(name="parent"), function=parent)
        assert run.status == "Completed"
        assert SECRET not in json.dumps(run.export())
    assert seen == [SECRET]


def test_parallel_steps_are_kept_one_by_one(driver: StateDriver) -> None:
    client = inngest.Inngest(
        app_id="app", is_production=False, middleware=[RemoteStateMiddleware.factory(driver)]
    )
    seen: list[Any] = []

    async def give(n: int) -> int:
        return n

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    async def function(ctx: inngest.Context) -> None:
        steps = (ctx.step.run(f"step {n}", give, n) for n in range(12))
        seen.append(await asyncio.gather(*steps))

    async def run() -> None:
        async with AsyncVirtualEngine(client, [function]) as engine:
            run = await engine.send(inngest.Event(name="e"))
            assert run.status == "Completed", run.timeline()

    asyncio.run(run())
    assert seen[-1] == list(range(12))


def test_errors_are_not_kept(make_world: Make) -> None:
    driver = InMemoryDriver()
    world = make_world(middleware=[RemoteStateMiddleware.factory(driver)])

    def fail() -> None:
        raise inngest.NonRetriableError("broken")

    def body(ctx: Any) -> Any:
        yield ctx.step.run("a", world.step(fail))

    world.function(body)
    assert world.play().body["message"] == "broken"
    assert vars(driver) == vars(InMemoryDriver())


def test_s3_holds_json_below_the_run(s3: Any) -> None:
    driver = S3Driver(bucket=BUCKET, client=s3)
    pointer = driver.save_step("R-1", {"b": "ä", "a": 1})
    assert driver.save_step("R-1", {"b": "ä", "a": 1}) == pointer, "to keep it again is harmless"
    place: Any = pointer["data"]
    assert place["bucket"] == BUCKET
    assert place["key"].startswith("inngest/R-1/")
    kept = s3.get_object(Bucket=BUCKET, Key=place["key"])
    assert json.loads(kept["Body"].read()) == {"b": "ä", "a": 1}
    assert kept["ContentType"] == "application/json"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="inngest/R-1/")
    assert listed["KeyCount"] == 1


def test_several_pointers_are_read_at_once(s3: Any) -> None:
    driver = S3Driver(bucket=BUCKET, client=s3)
    raw = {str(n): {"data": driver.save_step("R-2", {"n": n})} for n in range(20)}
    steps = StepMemos.from_raw({**raw, "plain": {"data": "x"}, "event": {"name": "e", "data": {}}})
    driver.load_steps(steps)
    read = steps.to_raw()
    assert read == {
        **{str(n): {"data": {"n": n}} for n in range(20)},
        "plain": {"data": "x"},
        "event": {"name": "e", "data": {}},
    }


def test_runs_may_change_between_the_old_package_and_this(s3: Any) -> None:
    """It finds a value by what stands beside the marks, and leaves out ``data``."""
    driver = S3Driver(bucket=BUCKET, client=s3)
    pointer: Any = driver.save_step("R-3", {"n": 1})
    assert (pointer["bucket"], pointer["key"]) == (BUCKET, pointer["data"]["key"])
    key = "inngest/remote_state/R-3/qXk2"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"n": 2}')
    old = {"__REMOTE_STATE__": True, "__STRATEGY__": "inngest/s3", "bucket": BUCKET, "key": key}
    steps = StepMemos.from_raw({"new": {"data": pointer}, "old": {"data": old}})
    driver.load_steps(steps)
    assert steps.to_raw() == {"new": {"data": {"n": 1}}, "old": {"data": {"n": 2}}}
    old["key"] = "private/x"
    with pytest.raises(inngest.NonRetriableError, match="is not to an object"):
        driver.load_steps(StepMemos.from_raw({"old": {"data": old}}))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"bucket": BUCKET, "key": "inngest/R/0"}, "does not exist"),
        ({"bucket": "other", "key": "inngest/R/0"}, "is not to an object"),
        ({"bucket": BUCKET, "key": "private/x"}, "is not to an object"),
        ("x", "is not to an object"),
    ],
)
def test_a_pointer_to_nothing_of_ours_fails_the_run_at_once(
    s3: Any, place: object, message: str
) -> None:
    driver = S3Driver(bucket=BUCKET, client=s3)
    pointer = {"__REMOTE_STATE__": True, "__STRATEGY__": "inngest/s3", "data": place}
    with pytest.raises(inngest.NonRetriableError, match=message):
        driver.load_steps(StepMemos.from_raw({"a": {"data": pointer}}))


@pytest.mark.parametrize("content", [b"", b'{"cut', b"\xff"])
def test_a_value_that_was_damaged_fails_the_run_at_once_and_is_named(
    s3: Any, content: bytes
) -> None:
    driver = S3Driver(bucket=BUCKET, client=s3)
    pointer = driver.save_step("R", {"number": content.hex()})
    s3.put_object(Bucket=BUCKET, Key=pointer["key"], Body=content)
    message = f'the object "{pointer["key"]}" of the bucket "{BUCKET}" is corrupt'
    with pytest.raises(inngest.NonRetriableError, match=message) as caught:
        driver.load_steps(StepMemos.from_raw({"a": {"data": pointer}}))
    assert caught.value.__suppress_context__


def test_a_value_that_is_not_in_memory_fails_the_run_at_once() -> None:
    pointer = {"__REMOTE_STATE__": True, "__STRATEGY__": "inngest/memory", "data": "x"}
    with pytest.raises(inngest.NonRetriableError, match="no value is in memory"):
        InMemoryDriver().load_steps(StepMemos.from_raw({"a": {"data": pointer}}))


@pytest.mark.parametrize(
    "value",
    [
        {"__REMOTE_STATE__": True, "__STRATEGY__": "acme/other", "data": 1},
        {"__REMOTE_STATE__": True, "__STRATEGY__": "inngest/memory", "data": 1, "more": 1},
        {"__REMOTE_STATE__": "yes", "__STRATEGY__": "inngest/memory", "data": 1},
    ],
)
def test_what_is_no_pointer_of_the_driver_is_left_alone(value: object) -> None:
    steps = StepMemos.from_raw({"a": {"data": value}})
    InMemoryDriver().load_steps(steps)
    assert steps.to_raw() == {"a": {"data": value}}


def test_a_store_that_cannot_be_reached_fails_the_attempt(make_world: Make) -> None:
    client = s3_client("http://127.0.0.1:9")
    world = make_world(
        middleware=[RemoteStateMiddleware.factory(S3Driver(bucket=BUCKET, client=client))]
    )

    def body(ctx: Any) -> Any:
        yield ctx.step.run("a", world.step())

    world.function(body)
    reply = world.call()
    assert reply.status == 500
    assert "x-inngest-no-retry" not in reply.headers
    assert "RemoteStateMiddleware.transform_output failed" in reply.body["message"]
    client.close()


def test_the_loop_goes_on_while_s3_is_asked(s3: Any) -> None:
    """The client answers once the loop has done something else."""
    loop_went_on, threads = threading.Event(), []

    class Waiting:
        def get_object(self, **options: Any) -> Any:
            return s3.get_object(**options)

        def put_object(self, **options: Any) -> Any:
            threads.append(threading.get_ident())
            assert loop_went_on.wait(60), "the loop stands still"
            return s3.put_object(**options)

    client = inngest.Inngest(
        app_id="app",
        is_production=False,
        middleware=[RemoteStateMiddleware.factory(S3Driver(bucket=BUCKET, client=Waiting()))],
    )

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    async def function(ctx: inngest.Context) -> str:
        asyncio.get_running_loop().call_later(0.01, loop_went_on.set)
        return "done"

    async def run() -> None:
        async with AsyncVirtualEngine(client, [function]) as engine:
            run = await engine.send(inngest.Event(name="e"))
            assert run.status == "Completed", run.timeline()

    asyncio.run(run())
    assert threads and threading.get_ident() not in threads


def test_what_is_no_client_of_s3_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(TypeError, match=r"inngest-core\[s3\]"):
        S3Driver(bucket=BUCKET, client=nothing)
