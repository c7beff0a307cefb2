"""Connect end to end: a worker on the embedded engine, over real sockets."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import inngest
import inngest.connect
import inngest.errors
from inngest.connect import ConnectionState
from inngest.connect._internal.errors import ConnectError, ForkedError
from inngest.connect._internal.making import make
from inngest.connect._internal.timing import Timing
from inngest.connect.protocol import wire

from .connect_platform import (
    OFTEN,
    PATIENCE,
    STEADY,
    NotingHub,
    Platform,
    eventually,
    made,
    nothing_left,
    working,
)
from .ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform(backoff=[0.01]) as made_platform:
        yield made_platform


def nowhere() -> inngest.Inngest:
    """Make a client for a server that does not exist."""
    return inngest.Inngest(
        app_id="app", is_production=False, api_base_url=f"http://127.0.0.1:{free_port()}"
    )


def greeter(client: inngest.Inngest, **options: Any) -> inngest.Function[Any]:
    @client.create_function(
        fn_id="greet", trigger=inngest.TriggerEvent(event="app/greet"), **options
    )
    async def greet(ctx: inngest.Context) -> str:
        first = await ctx.step.run("first", one)
        second = await ctx.step.run("second", one)
        return f"{first + second} for {ctx.event.data['name']}"

    return greet


def forget_limits(hub: NotingHub) -> None:
    for session in hub.sessions:
        session.limit = None


def lose_all(hub: NotingHub) -> None:
    for pending in hub._pending.values():
        hub._lose(pending, "the test says so")


async def one() -> int:
    return 1


# running functions


def test_a_function_of_several_steps_runs_over_a_socket(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        async with working(made(client, greeter(client))) as worker:
            assert worker.get_connection_id()
            event = inngest.Event(name="app/greet", data={"name": "you"})
            (event_id,) = await client.send(event)
            run = await platform.ended(event_id)
            assert (run["status"], run["output"]) == ("Completed", "2 for you")
        assert worker.get_state() is ConnectionState.CLOSED
        await client.aclose()

    with nothing_left():
        asyncio.run(main())


def test_a_gateway_on_this_machine_is_reached_without_the_proxy(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def main() -> None:
        client = platform.client()
        async with working(made(client, greeter(client))) as worker:
            assert worker.get_connection_id()
        await client.aclose()

    asyncio.run(main())


def test_sync_functions_run_on_threads_with_the_context_of_start(platform: Platform) -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")

    async def main() -> None:
        client = platform.client()

        @client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="app/sync"))
        def work(ctx: inngest.ContextSync) -> list[str]:
            name = ctx.step.run("where", lambda: threading.current_thread().name)
            return [name.rpartition("_")[0], tenant.get()]

        tenant.set("acme")
        async with working(made(client, work)):
            (event_id,) = await client.send(inngest.Event(name="app/sync"))
            assert (await platform.ended(event_id))["output"] == ["inngest", "acme"]
        await client.aclose()

    with nothing_left():
        asyncio.run(main())


def test_as_many_sync_functions_run_at_once_as_the_pool_has_threads(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "12")
    all_there = threading.Barrier(12)

    async def main() -> None:
        client = platform.client()

        @client.create_function(fn_id="meet", trigger=inngest.TriggerEvent(event="app/meet"))
        def meet(ctx: inngest.ContextSync) -> str:
            all_there.wait(PATIENCE)
            return "met"

        async with working(made(client, meet)):
            ids = await client.send([inngest.Event(name="app/meet") for _ in range(12)])
            runs = await asyncio.gather(*(platform.ended(each) for each in ids))
            assert [run["output"] for run in runs] == ["met"] * 12
        await client.aclose()

    with nothing_left():
        asyncio.run(main())


def test_errors_are_retried_or_not_as_over_http(platform: Platform) -> None:
    attempts: list[tuple[str, int]] = []

    async def main() -> None:
        client = platform.client()

        @client.create_function(
            fn_id="fatal", trigger=inngest.TriggerEvent(event="app/fatal"), retries=3
        )
        async def fatal(ctx: inngest.Context) -> None:
            attempts.append(("fatal", ctx.attempt))
            raise inngest.NonRetriableError("never")

        @client.create_function(
            fn_id="flaky", trigger=inngest.TriggerEvent(event="app/flaky"), retries=3
        )
        async def flaky(ctx: inngest.Context) -> str:
            attempts.append(("flaky", ctx.attempt))
            if ctx.attempt == 0:
                raise ValueError("once")
            return "in the end"

        async with working(made(client, fatal, flaky)):
            ids = await client.send(
                [inngest.Event(name="app/fatal"), inngest.Event(name="app/flaky")]
            )
            first, second = [await platform.ended(each) for each in ids]
        assert first["status"] == "Failed" and first["output"]["message"] == "never"
        assert second["output"] == "in the end"
        assert sorted(attempts) == [("fatal", 0), ("flaky", 0), ("flaky", 1)]
        await client.aclose()

    asyncio.run(main())


def test_a_failure_handler_is_called_over_the_socket(platform: Platform) -> None:
    failed: list[str] = []

    async def main() -> None:
        client = platform.client()

        async def handle(ctx: inngest.Context) -> None:
            failed.append(str(ctx.event.data["function_id"]))

        @client.create_function(
            fn_id="fails",
            trigger=inngest.TriggerEvent(event="app/fails"),
            retries=0,
            on_failure=handle,
        )
        async def fails(ctx: inngest.Context) -> None:
            raise ValueError("no")

        async with working(made(client, fails)):
            await client.send(inngest.Event(name="app/fails"))
            await eventually(lambda: bool(failed), "the failure handler was called")
        assert failed == ["app-fails"]
        await client.aclose()

    asyncio.run(main())


def test_functions_and_failure_handlers_are_registered_for_a_socket() -> None:
    client = nowhere()

    async def handle(ctx: inngest.Context) -> None: ...

    worker = made(client, greeter(client, on_failure=handle))
    (app,) = worker._identity.apps
    runtimes = [each["steps"]["step"]["runtime"] for each in json.loads(app.functions)]
    assert [each["type"] for each in runtimes] == ["ws", "ws"]
    assert [each["url"] for each in runtimes] == [
        "wss://connect?fnId=app-greet&stepId=step",
        "wss://connect?fnId=app-greet-failure&stepId=step",
    ]


def test_several_apps_share_one_worker(platform: Platform) -> None:
    async def main() -> None:
        clients = [platform.client("one"), platform.client("two")]
        apps = []
        for client in clients:

            @client.create_function(
                fn_id="who", trigger=inngest.TriggerEvent(event=f"{client.app_id}/who")
            )
            async def who(ctx: inngest.Context, app_id: str = client.app_id) -> str:
                return app_id

            apps.append((client, [who]))
        worker = make(apps, timing=STEADY, shutdown_signals=[])
        async with working(worker):
            ids = await clients[0].send(
                [inngest.Event(name="one/who"), inngest.Event(name="two/who")]
            )
            outputs = [(await platform.ended(each))["output"] for each in ids]
            assert outputs == ["one", "two"]
        for client in clients:
            await client.aclose()

    asyncio.run(main())


def test_code_that_blocks_the_loop_costs_neither_heartbeat_nor_lease() -> None:
    async def main(platform: Platform) -> None:
        client = platform.client()

        @client.create_function(
            fn_id="blocks", trigger=inngest.TriggerEvent(event="app/blocks"), retries=0
        )
        async def blocks(ctx: inngest.Context) -> str:
            heard, begun = set[float](), platform.hub.extensions
            until = time.monotonic() + PATIENCE
            while len(heard) < 5 or platform.hub.extensions - begun < 5:
                assert time.monotonic() < until, (heard, platform.hub.extensions)
                time.sleep(0.01)  # noqa: ASYNC251
                heard |= {session.heard_at for session in [*platform.hub.sessions]}
            return "done"

        async with working(made(client, blocks)):
            (event_id,) = await client.send(inngest.Event(name="app/blocks"))
            run = await platform.ended(event_id)
            assert (run["status"], run["output"]) == ("Completed", "done")
            assert platform.lost == set()
        await client.aclose()

    with Platform(OFTEN) as platform:
        asyncio.run(main(platform))


def test_no_more_calls_run_at_once_than_the_worker_allows(platform: Platform) -> None:
    running: list[int] = []
    most: list[int] = []

    async def main() -> None:
        client = platform.client()
        turn = asyncio.Event()

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        async def slow(ctx: inngest.Context) -> None:
            running.append(1)
            most.append(len(running))
            if len(most) >= 2:
                turn.set()
            await turn.wait()
            await asyncio.sleep(0)
            running.pop()

        async with working(made(client, slow, max_worker_concurrency=2)):
            # A gateway that does not limit concurrency: the worker does.
            platform.do(forget_limits)
            ids = await client.send([inngest.Event(name="app/slow") for _ in range(10)])
            for each in ids:
                assert (await platform.ended(each))["status"] == "Completed"
        await client.aclose()

    asyncio.run(main())
    assert len(most) == 10 and max(most) == 2


def test_a_full_worker_gets_no_more_calls(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        go = asyncio.Event()

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        async def slow(ctx: inngest.Context) -> None:
            await go.wait()

        async with working(made(client, slow, max_worker_concurrency=1)) as worker:
            ids = await client.send([inngest.Event(name="app/slow") for _ in range(3)])
            await eventually(lambda: worker.status().running == 1, "a call runs")
            assert worker.status().queued == 0
            go.set()
            for each in ids:
                assert (await platform.ended(each))["status"] == "Completed"
        await client.aclose()

    asyncio.run(main())


def test_the_environment_limits_a_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = nowhere()
    monkeypatch.setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "7")
    assert made(client, greeter(client))._identity.max_concurrency == 7
    assert made(client, greeter(client), max_worker_concurrency=3)._identity.max_concurrency == 3
    monkeypatch.setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "many")
    assert made(client, greeter(client))._identity.max_concurrency is None
    assert "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY" in caplog.text


def test_work_is_shared_by_workers(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        found: set[str] = set()
        both = asyncio.Event()

        def worker_of(name: str) -> Any:
            @client.create_function(fn_id="where", trigger=inngest.TriggerEvent(event="app/where"))
            async def where(ctx: inngest.Context) -> None:
                found.add(name)
                if len(found) == 2:
                    both.set()
                await asyncio.wait_for(both.wait(), PATIENCE)

            return made(client, where, instance_id=name)

        async with working(worker_of("a")), working(worker_of("b")):
            ids = await client.send([inngest.Event(name="app/where") for _ in range(4)])
            for each in ids:
                assert (await platform.ended(each))["status"] == "Completed"
        assert found == {"a", "b"}
        await client.aclose()

    asyncio.run(main())


# lifecycle


def test_a_worker_that_closes_finishes_and_delivers_what_it_has(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        begun, go = asyncio.Event(), asyncio.Event()

        @client.create_function(
            fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"), retries=0
        )
        async def slow(ctx: inngest.Context) -> str:
            begun.set()
            await go.wait()
            return "finished"

        async with working(made(client, slow)) as worker:
            (event_id,) = await client.send(inngest.Event(name="app/slow"))
            await asyncio.wait_for(begun.wait(), PATIENCE)
            await worker.close()
            await asyncio.wait_for(worker.wait_for_state(ConnectionState.CLOSING), PATIENCE)
            assert not worker.status().is_ready and worker.status().is_live
            go.set()
            assert (await platform.ended(event_id))["output"] == "finished"
        await client.aclose()

    asyncio.run(main())


def test_a_drained_gateway_is_left_without_losing_anything(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        begun, go = asyncio.Event(), asyncio.Event()

        @client.create_function(
            fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"), retries=0
        )
        async def slow(ctx: inngest.Context) -> str:
            begun.set()
            await go.wait()
            return "finished"

        async with working(made(client, slow)) as worker:
            (first,) = await client.send(inngest.Event(name="app/slow"))
            await asyncio.wait_for(begun.wait(), PATIENCE)
            before = worker.status()
            assert before.gateway_group == "gw-dev"
            await asyncio.to_thread(platform.do, lambda hub: hub.drain("gw-dev"))
            await eventually(
                lambda: worker.status().gateway_group == "gw-dev-2", "the worker has moved"
            )
            (second,) = await client.send(inngest.Event(name="app/slow"))
            go.set()
            for each in (first, second):
                assert (await platform.ended(each))["output"] == "finished"
            await eventually(
                lambda: len(platform.hub.sessions) == 1, "the worker has left the old gateway"
            )
            assert platform.lost == set()
            assert worker.status().reconnects == 0
        await client.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("way", ["socket", "flush", "lost lease"])
def test_a_reply_is_taken_as_long_as_its_job_is_not_done(tmp_path: Path, way: str) -> None:
    """After a restart of the engine, or a lost lease, a finished call is not executed again."""
    executed: list[int] = []

    async def main(platform: Platform) -> None:
        client = platform.client()
        go, is_cut_off = asyncio.Event(), False

        def rewrite(url: str) -> str:
            return "ws://127.0.0.1:1/" if is_cut_off else url

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        async def slow(ctx: inngest.Context) -> str:
            executed.append(ctx.attempt)
            await go.wait()
            return "done"

        worker = made(client, slow, rewrite_gateway_endpoint=rewrite)
        async with working(worker):
            (event_id,) = await client.send(inngest.Event(name="app/slow"))
            await eventually(lambda: bool(executed), "the function runs")
            if way == "lost lease":
                platform.do(lose_all)
            else:
                is_cut_off = way == "flush"
                await asyncio.to_thread(platform.restart)
            go.set()
            run = await platform.ended(event_id)
            assert (run["status"], run["output"]) == ("Completed", "done")
        await client.aclose()

    with Platform(db=tmp_path / "db.sqlite", backoff=[600]) as platform:
        asyncio.run(main(platform))
    assert executed == [0]


def test_a_reply_that_was_taken_is_not_taken_again() -> None:
    async def main(platform: Platform) -> None:
        client = platform.client()

        @client.create_function(fn_id="fails", trigger=inngest.TriggerEvent(event="app/fails"))
        async def fails(ctx: inngest.Context) -> None:
            raise ValueError("not now")

        async with working(made(client, fails)) as worker:
            await client.send(inngest.Event(name="app/fails"))
            await eventually(lambda: bool(platform.replies), "the call is answered")
            await eventually(lambda: not worker.status().unacknowledged, "the engine has it")
            for _ in range(3):
                platform.do(lambda hub: hub.answered(hub.last_reply))
            (run,) = platform.server.runs()
            history = platform.server.history(run["run_id"])
            assert history is not None and len(history["attempts"]) == 1
            assert history["status"] == "Running"
        await client.aclose()

    with Platform(backoff=[600]) as platform:
        asyncio.run(main(platform))


def test_an_outage_at_the_start_is_sat_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inngest.connect")

    async def main() -> None:
        platform = Platform()
        client = platform.client(api_base_url=f"http://127.0.0.1:{free_port()}")
        worker = made(client, greeter(client))
        async with working(worker, until="CONNECTING"):
            await eventually(
                lambda: caplog.text.count("start_failed") > 12, "twelve attempts failed"
            )
            assert worker.status().is_live and not worker.status().is_ready
            assert worker.get_state() is ConnectionState.CONNECTING
            with pytest.raises(ConnectError, match="connection not established"):
                worker.get_connection_id()

    asyncio.run(main())


def test_a_key_that_is_refused_reaches_the_caller() -> None:
    key, other = "signkey-test-00112233", "signkey-test-44556677"

    async def main(platform: Platform) -> None:
        client = platform.client(is_production=True, signing_key=other)
        worker = made(client, greeter(client))
        task = asyncio.create_task(worker.start())
        with pytest.raises(ConnectError, match="cannot become ACTIVE"):
            await asyncio.wait_for(worker.wait_for_state(ConnectionState.ACTIVE), PATIENCE)
        with pytest.raises(ConnectError, match="rejected the signing key") as caught:
            await asyncio.wait_for(task, PATIENCE)
        assert caught.value.code == "connect_authentication_failed"
        assert worker.get_state() is ConnectionState.CLOSED

    with Platform(signing_key=key) as platform, nothing_left():
        asyncio.run(main(platform))


def test_the_fallback_key_is_used_when_the_first_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, other = "signkey-test-00112233", "signkey-test-44556677"
    monkeypatch.setenv("INNGEST_SIGNING_KEY_FALLBACK", key)

    async def main(platform: Platform) -> None:
        client = platform.client(is_production=True, signing_key=other, event_key="e")
        async with working(made(client, greeter(client))) as worker:
            assert worker.status().is_ready

    with Platform(signing_key=key) as platform:
        asyncio.run(main(platform))


def test_functions_that_the_gateway_refuses_reach_the_caller(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()

        @client.create_function(
            fn_id="bad", trigger=inngest.TriggerEvent(event="a", expression="event.(")
        )
        async def bad(ctx: inngest.Context) -> None: ...

        with pytest.raises(ConnectError, match="rejected the functions") as caught:
            await asyncio.wait_for(made(client, bad).start(), PATIENCE)
        assert "app-bad" in str(caught.value)

    asyncio.run(main())


def test_a_cancelled_worker_ends_at_once(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        begun = asyncio.Event()

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        async def slow(ctx: inngest.Context) -> None:
            begun.set()
            await asyncio.Event().wait()

        worker = made(client, slow)
        task = asyncio.create_task(worker.start())
        await asyncio.wait_for(worker.wait_for_state(ConnectionState.ACTIVE), PATIENCE)
        await client.send(inngest.Event(name="app/slow"))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE)
        assert worker.get_state() is ConnectionState.CLOSED
        await client.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with nothing_left():
        asyncio.run(main())


def test_a_worker_that_was_closed_before_it_started_does_not_start() -> None:
    async def main() -> None:
        client = nowhere()
        worker = made(client, greeter(client))
        await worker.close(wait=True)
        await worker.closed()
        await asyncio.wait_for(worker.start(), PATIENCE)
        assert worker.get_state() is ConnectionState.CLOSED
        assert not worker.status().is_live

    asyncio.run(main())


def test_a_worker_starts_once(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        async with working(made(client, greeter(client))) as worker:
            with pytest.raises(ConnectError, match="already started"):
                await worker.start()
        with pytest.raises(ConnectError, match="has ended"):
            await worker.start()

    asyncio.run(main())


def test_a_worker_whose_loop_is_closed_is_not_live(caplog: pytest.LogCaptureFixture) -> None:
    with Platform(OFTEN) as platform, nothing_left():
        client = platform.client()
        worker = made(client, greeter(client))
        loop = asyncio.new_event_loop()
        task = loop.create_task(worker.start())
        loop.run_until_complete(worker.wait_for_state(ConnectionState.ACTIVE))
        assert worker.status().is_live and worker.status().is_ready
        loop.close()
        assert not worker.status().is_live and not worker.status().is_ready
        asyncio.run(asyncio.wait_for(worker.closed(), PATIENCE))
        assert "the event loop that called start() is closed" in caplog.text
        client.close()
    assert not task.done()
    del task, worker, loop
    gc.collect()  # asyncio reports the lost task here, not during another test
    assert "Task was destroyed but it is pending" in caplog.text


def test_calls_that_wait_for_a_thread_are_queued(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "2")
    go = threading.Event()

    async def main() -> None:
        client = platform.client()

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        def slow(ctx: inngest.ContextSync) -> None:
            assert go.wait(PATIENCE)

        def counts() -> tuple[int, int]:
            return worker.status().running, worker.status().queued

        async with working(made(client, slow)) as worker:
            ids = await client.send([inngest.Event(name="app/slow") for _ in range(5)])
            await eventually(lambda: counts() == (2, 3), "two run, three wait")
            go.set()
            for each in ids:
                assert (await platform.ended(each))["status"] == "Completed"
            await eventually(lambda: counts() == (0, 0), "nothing is left")
        await client.aclose()

    with nothing_left():
        asyncio.run(main())


def test_the_status_tells_of_heartbeats(platform: Platform) -> None:
    async def main() -> None:
        client = platform.client()
        async with working(made(client, greeter(client))) as worker:
            await eventually(
                lambda: worker.status().seconds_since_heartbeat is not None, "a heartbeat"
            )
            status = worker.status()
            assert status.is_ready and status.is_live and status.reconnects == 0
            assert status.connection_id == worker.get_connection_id()

    asyncio.run(main())


# configuration


def test_apps_must_go_together() -> None:
    one_app, other = nowhere(), nowhere()
    with pytest.raises(Exception, match="no apps provided"):
        inngest.connect.connect([])
    with pytest.raises(Exception, match="inconsistent app config: API base URL"):
        inngest.connect.connect([(one_app, [greeter(one_app)]), (other, [greeter(other)])])
    options: dict[str, Any] = {"is_production": False, "api_base_url": one_app.api_origin}
    for wrong, name in (
        ({"env": "branch"}, "env"),
        ({"is_production": True, "signing_key": "signkey-test-00"}, "mode"),
        ({"signing_key": "signkey-test-00"}, "signing key"),
    ):
        second = inngest.Inngest(app_id="second", **{**options, **wrong})
        with pytest.raises(Exception, match=f"inconsistent app config: {name}"):
            inngest.connect.connect([(one_app, [greeter(one_app)]), (second, [greeter(second)])])
    with pytest.raises(inngest.errors.FunctionConfigInvalidError):
        inngest.connect.connect([(one_app, [])])
    with pytest.raises(Exception, match="same app_id"):
        inngest.connect.connect([(one_app, [greeter(one_app)])] * 2)


@pytest.mark.parametrize("limit", [0, -1, True, 2.5, "3", 2**63])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    client = nowhere()
    with pytest.raises(ConnectError, match=r"max_worker_concurrency: .* not ") as refused:
        inngest.connect.connect([(client, [greeter(client)])], max_worker_concurrency=limit)
    assert repr(limit) in str(refused.value)


@pytest.mark.parametrize("form", ["client", "pair", "flat", "text"])
def test_apps_that_are_no_pairs_are_told_so(form: str) -> None:
    client = nowhere()
    greet = greeter(client)
    forms: dict[str, Any] = {
        "client": [client],
        "pair": (client, [greet]),
        "flat": [client, [greet]],
        "text": "shop",
    }
    with pytest.raises(ConnectError, match="a list of pairs, each a client and its functions"):
        inngest.connect.connect(forms[form])


@pytest.mark.parametrize("wrong", ["SIGTERM", 9, None, 12345])
def test_what_is_no_shutdown_signal_is_told_before_the_start(wrong: Any) -> None:
    client = nowhere()
    with pytest.raises(
        ConnectError, match="shutdown_signals: must be signals that a process can handle"
    ):
        inngest.connect.connect([(client, [greeter(client)])], shutdown_signals=[wrong])


def test_an_instance_id_is_a_text() -> None:
    client, options = nowhere(), dict[str, Any](instance_id=5)
    with pytest.raises(ConnectError, match="instance_id: must be a string, not 5"):
        inngest.connect.connect([(client, [greeter(client)])], **options)


def test_cloud_mode_needs_a_key() -> None:
    client = inngest.Inngest(app_id="app", is_production=True)
    with pytest.raises(inngest.errors.SigningKeyMissingError):
        inngest.connect.connect([(client, [greeter(client)])])


def test_the_gateway_takes_no_reply_without_a_key() -> None:
    with Platform(signing_key="signkey-test-00112233") as platform:
        for path in ("start", "flush"):
            answer = httpx.post(f"{platform.origin}/v0/connect/{path}", content=b"", timeout=60)
            assert answer.status_code == 401


def test_a_reply_over_http_needs_a_trace_that_is_json(platform: Platform) -> None:
    url = f"{platform.origin}/v0/connect/flush"
    assert (
        httpx.post(url, content=wire.SDKResponse().SerializeToString(), timeout=60).status_code
        == 400
    )
    good = wire.SDKResponse(request_id="unknown", system_trace_ctx=b"{}")
    answer = httpx.post(url, content=good.SerializeToString(), timeout=60)
    assert answer.status_code == 200
    assert wire.FlushResponse.FromString(answer.content).request_id == "unknown"
    assert httpx.post(url, content=b"\xff\xff\xff", timeout=60).status_code == 400


# signals


def test_making_a_worker_touches_no_signal_handler() -> None:
    client = nowhere()
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    worker = inngest.connect.connect([(client, [greeter(client)])])
    assert {one: signal.getsignal(one) for one in before} == before
    assert worker.get_state() is ConnectionState.CONNECTING


def test_a_signal_closes_the_worker_and_its_handler_is_given_back(platform: Platform) -> None:
    came: list[int] = []

    async def main() -> None:
        client = platform.client()
        worker = made(client, greeter(client), shutdown_signals=[signal.SIGUSR1])
        task = asyncio.create_task(worker.start())
        await asyncio.wait_for(worker.wait_for_state(ConnectionState.ACTIVE), PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(task, PATIENCE)

    before = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
    try:
        handler = signal.getsignal(signal.SIGUSR1)
        asyncio.run(main())
        assert signal.getsignal(signal.SIGUSR1) is handler
        assert came == []
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_second_signal_ends_the_worker_at_once(platform: Platform) -> None:
    passed_on: list[int] = []

    async def main() -> None:
        client = platform.client()
        begun = asyncio.Event()

        @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="app/slow"))
        async def slow(ctx: inngest.Context) -> None:
            begun.set()
            await asyncio.Event().wait()

        worker = made(client, slow, shutdown_signals=[signal.SIGUSR1])
        task = asyncio.create_task(worker.start())
        await asyncio.wait_for(worker.wait_for_state(ConnectionState.ACTIVE), PATIENCE)
        await client.send(inngest.Event(name="app/slow"))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(worker.wait_for_state(ConnectionState.CLOSING), PATIENCE)
        assert not task.done()
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(task, PATIENCE)
        await client.aclose()

    before = signal.signal(signal.SIGUSR1, lambda number, frame: passed_on.append(number))
    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert passed_on == [signal.SIGUSR1]


def test_a_worker_beside_the_main_thread_takes_no_signal(platform: Platform) -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def main() -> None:
        client = platform.client()
        worker = make([(client, [greeter(client)])], timing=STEADY)
        async with working(worker):
            assert signal.getsignal(signal.SIGTERM) is before

    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive() and failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_worker_does_not_survive_a_fork_and_says_so(platform: Platform) -> None:
    program = f"""
import asyncio, os, sys, warnings
import inngest, inngest.connect
warnings.simplefilter("ignore")
client = inngest.Inngest(app_id="app", is_production=False, api_base_url={platform.origin!r})
@client.create_function(fn_id="f", trigger=inngest.TriggerEvent(event="a/b"))
async def f(ctx): return None
async def main():
    worker = inngest.connect.connect([(client, [f])])
    task = asyncio.create_task(worker.start())
    await worker.wait_for_state(inngest.connect.ConnectionState.ACTIVE)
    child = os.fork()
    if child == 0:
        try:
            worker.get_state()
        except Exception as error:
            print(type(error).__name__, "after the fork" in str(error), flush=True)
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    await worker.close(wait=True)
    await task
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout.split()) == (0, [ForkedError.__name__, "True"]), done


# the plugin and the messages


def test_the_transport_is_found_by_its_name(platform: Platform) -> None:
    client = platform.client()
    worker: Any = inngest.serve("connect", client, [greeter(client)])
    assert worker.get_state() is ConnectionState.CONNECTING


def test_the_generated_messages_fit_their_source() -> None:
    command = [sys.executable, str(ROOT / "scripts/messages.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout


def test_the_default_timing_is_that_of_the_protocol() -> None:
    timing = Timing()
    assert list(timing.reconnect) == [1, 2, 5, 10, 20, 30, 60, 120, 300]
    assert (timing.heartbeat, timing.lease, timing.ack) == (10, 30, 5)
