"""Functions publish, and whoever listens hears it: on the embedded engine, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.sync.client import connect

import inngest
from inngest.dev import DevServer, Engine, VirtualClock
from inngest.dev.testing import VirtualEngine
from inngest.errors import OutputUnserializableError
from inngest.experimental import realtime

from .live import KINDS, TRANSPORTS, Embedded, World

SECONDS = 60.0
KEY = "signkey-test-7468697320697320612074657374206b65792121"


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0, engine=Engine(clock=VirtualClock())) as server:
        yield server


@pytest.fixture
def client(server: DevServer) -> Iterator[inngest.Inngest]:
    made = inngest.Inngest(app_id="a", is_production=False, api_base_url=server.origin)
    with contextlib.closing(made):
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_step_publishes_is_heard_once(
    server: DevServer, client: inngest.Inngest, kind: str
) -> None:
    world = World(Embedded(server), TRANSPORTS["asgi"], is_async=kind == "async")

    def publish(ctx: Any) -> Any:
        tell: Any = realtime.publish if world.is_async else realtime.publish_sync
        yield ctx.step.run("tell", tell, world.client, "c", "t", {"run": ctx.run_id})
        yield ctx.step.sleep("nap", 5_000)
        yield ctx.step.run("tell again", tell, world.client, "c", "t", "done")

    world.function("fn", publish)
    with realtime.subscribe_sync(client, "c", ["t"]) as messages:
        run = world.run("fn")
        assert run.status == "Completed"
        realtime.publish_sync(client, "c", "t", "last")
        found = [next(messages) for _ in range(3)]
    assert [each.data for each in found[1:]] == ["done", "last"]
    assert isinstance(found[0].data, dict)
    assert (found[0].channel, found[0].topic, found[0].kind) == ("c", "t", "data")


def test_messages_say_which_run_and_what_about_it(client: inngest.Inngest) -> None:
    async def tell() -> None:
        await realtime.publish(client, "c", "u", 1, run_id="01H", metadata={"k": [1]})

    async def listen() -> realtime.Message:
        async with realtime.subscribe(client, "c", ["t", "u"]) as messages:
            await tell()
            found = await anext(messages)
        await client.aclose()
        return found

    message = asyncio.run(asyncio.wait_for(listen(), SECONDS))
    assert (message.run_id, message.metadata, message.topic) == ("01H", {"k": [1]}, "u")
    assert message.created_at is not None


def test_a_listener_connects_again(
    client: inngest.Inngest, server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The server ends each connection at some time."""
    with realtime.subscribe_sync(client, "c", ["t"]) as messages:
        realtime.publish_sync(client, "c", "t", 1)
        assert next(messages).data == 1
        broker = server.engine.realtime
        (first,) = broker._listeners
        server._do(_end(first), SECONDS)

        def publish() -> None:
            until = time.monotonic() + SECONDS
            while all(each is first for each in broker._listeners):
                assert time.monotonic() < until
                time.sleep(0.005)
            realtime.publish_sync(client, "c", "t", 2)

        with ThreadPoolExecutor(1) as pool:
            publishing = pool.submit(publish)
            assert next(messages).data == 2
            publishing.result(SECONDS)
    assert [each for each in caplog.records if each.name.startswith("inngest")] == []


async def _end(listener: Any) -> None:
    listener.close()


def test_a_stopped_server_keeps_nobody_waiting(client: inngest.Inngest, server: DevServer) -> None:
    with realtime.subscribe_sync(client, "c", ["t"]):
        server.stop()


def test_a_subscription_that_is_left_is_closed(client: inngest.Inngest, server: DevServer) -> None:
    async def listen() -> None:
        messages = realtime.subscribe(client, "c", ["t"])
        async with messages:
            waiting = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(StopAsyncIteration):
            await anext(messages)
        await client.aclose()

    asyncio.run(asyncio.wait_for(listen(), SECONDS))
    with realtime.subscribe_sync(client, "c", ["t"]) as messages:
        pass
    assert list(messages) == []


def test_a_subscription_is_closed_while_a_thread_waits(client: inngest.Inngest) -> None:
    """Else the thread would wait for the next sign of life from the server."""
    with ThreadPoolExecutor(2) as pool:
        messages = realtime.subscribe_sync(client, "c", ["t"])
        with messages:
            waiting = [pool.submit(list, messages) for _ in range(2)]
            realtime.publish_sync(client, "c", "t", 1)
            until = time.monotonic() + SECONDS
            while messages._lock.acquire(blocking=False):  # until one of them is waiting
                messages._lock.release()
                assert time.monotonic() < until
        heard = [message.data for each in waiting for message in each.result(SECONDS)]
    assert heard in ([], [1])
    assert messages._response is None


def test_those_who_listen_leave_connections_for_others(client: inngest.Inngest) -> None:
    """There are a hundred for requests."""

    async def listen() -> list[object]:
        async with contextlib.AsyncExitStack() as stack:
            entered = [
                await stack.enter_async_context(realtime.subscribe(client, "c", ["t"]))
                for _ in range(110)
            ]
            await realtime.publish(client, "c", "t", 1)
            heard = [(await anext(messages)).data for messages in entered]
        await client.aclose()
        return heard

    assert asyncio.run(asyncio.wait_for(listen(), SECONDS)) == [1] * 110


def test_what_a_listener_says_and_nobody_understands_is_ignored(
    client: inngest.Inngest, server: DevServer
) -> None:
    token, other = (
        realtime.get_subscription_token_sync(client, "c", [topic])["key"] for topic in "tu"
    )
    address = client.api_origin.replace("http", "ws", 1)
    with connect(
        f"{address}/v1/realtime/connect?token={token}", proxy=None, open_timeout=SECONDS
    ) as socket:
        for said in (b"\xff", "", "[" * 100_000, '{"kind":"sub","data":"x"}', '{"kind":"unsub"}'):
            socket.send(said)
        socket.send(json.dumps({"kind": "sub", "data": other}))
        (listener,) = server.engine.realtime._listeners
        until = time.monotonic() + SECONDS
        while ("c", "u") not in listener.topics:
            assert time.monotonic() < until
            time.sleep(0.005)
        realtime.publish_sync(client, "c", "t", 1)
        assert json.loads(socket.recv(SECONDS))["data"] == 1


def test_what_is_not_json_is_refused(client: inngest.Inngest) -> None:
    with pytest.raises(OutputUnserializableError, match=r'topic "t": .* it is not JSON$'):
        realtime.publish_sync(client, "c", "t", object())
    with pytest.raises(OutputUnserializableError, match="metadata"):
        realtime.publish_sync(client, "c", "t", 1, metadata=float("nan"))


@pytest.mark.parametrize("name", ["", " ", None, 5])
def test_channels_and_topics_have_names(client: inngest.Inngest, name: Any) -> None:
    for asking in (
        lambda: realtime.publish_sync(client, name, "t", 1),
        lambda: realtime.publish_sync(client, "c", name, 1),
        lambda: realtime.get_subscription_token_sync(client, name, ["t"]),
        lambda: realtime.get_subscription_token_sync(client, "c", ["t", name]),
    ):
        with pytest.raises(realtime.RealtimeError, match=r"(not|of them) empty") as refused:
            asking()
        assert not refused.value.is_retriable


@pytest.mark.parametrize("topics", ["status", "", []])
def test_topics_are_a_list(client: inngest.Inngest, topics: Any) -> None:
    with (
        pytest.raises(realtime.RealtimeError, match="topics: must be a list"),
        realtime.subscribe_sync(client, "c", topics),
    ):
        pass
    with pytest.raises(realtime.RealtimeError, match="topics: must be a list"):
        asyncio.run(realtime.get_subscription_token(client, "c", topics))


def test_a_message_that_the_server_would_cut_is_refused(client: inngest.Inngest) -> None:
    largest = "\u00e9" * (256 * 1024 - 1)
    with realtime.subscribe_sync(client, "c", ["t"]) as messages:
        realtime.publish_sync(client, "c", "t", largest)
        assert next(messages).data == largest
    with pytest.raises(
        realtime.RealtimeError, match="524289 bytes, more than the limit of 524288"
    ) as refused:
        realtime.publish_sync(client, "c", "t", largest + "x")
    assert not refused.value.is_retriable


def test_a_keyed_server_wants_the_key() -> None:
    with DevServer(port=0, engine=Engine(clock=VirtualClock(), signing_key=KEY)) as server:
        options: dict[str, Any] = {"app_id": "a", "api_base_url": server.origin}
        stranger = inngest.Inngest(is_production=False, **options)
        with contextlib.closing(stranger):
            with pytest.raises(realtime.RealtimeError, match="401") as refused:
                realtime.publish_sync(stranger, "c", "t", 1)
            assert not refused.value.is_retriable
            with (
                pytest.raises(realtime.RealtimeError),
                realtime.subscribe_sync(stranger, "c", ["t"]),
            ):
                pass
        known = inngest.Inngest(is_production=True, signing_key=KEY, event_key="x", **options)
        with contextlib.closing(known), realtime.subscribe_sync(known, "c", ["t"]) as messages:
            realtime.publish_sync(known, "c", "t", 1)
            assert next(messages).data == 1


def test_no_log_shows_a_token(client: inngest.Inngest, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    key = str(realtime.get_subscription_token_sync(client, "c", ["t"])["key"])
    with realtime.subscribe_sync(client, "c", ["t"]):
        pass
    assert "/v1/realtime/sse?token=***" in caplog.text
    assert key.split(".", maxsplit=1)[0] not in caplog.text


def test_in_process_functions_publish_too() -> None:
    client = inngest.Inngest(app_id="kit", is_production=False)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    def fn(ctx: inngest.ContextSync) -> None:
        ctx.step.run("tell", realtime.publish_sync, client, "c", "t", {"n": 1})

    with VirtualEngine(client, [fn]) as engine:
        assert engine.send(inngest.Event(name="e")).status == "Completed"
        with (
            pytest.raises(realtime.RealtimeError) as refused,
            realtime.subscribe_sync(client, "c", ["t"]),
        ):
            pass
        assert "in process" in str(refused.value.__cause__)
