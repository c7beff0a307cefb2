"""The thread of a worker, and its interaction with other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from inngest.connect._internal.api import Api, ApiSuccess
from inngest.connect._internal.conftest import OK, Driver, call_of
from inngest.connect._internal.effects import Flush, Run
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.connect._internal.worker import Worker
from inngest.transport import CommResponse


class Silent(Api):
    """An API that never responds. ``is_asked`` is set when the worker's thread runs."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", None, 1)
        self.is_asked = threading.Event()

    async def post(self, path: str, body: bytes, authorization: str | None) -> Any:
        self.is_asked.set()
        await asyncio.Event().wait()


async def execute_nothing(request: wire.GatewayExecutorRequestData) -> CommResponse:
    return OK


def worker_of(api: Callable[[], Api]) -> Worker:
    return Worker(
        Driver().machine,
        api=api,
        execute=execute_nothing,
        entered=lambda state: None,
        orphaned=lambda error: None,
        waiting=lambda: 0,
        timing=Timing(closing=0.1),
    )


async def run_worker(api: Callable[[], Api]) -> None:
    await worker_of(api).run()


class Late(list[Any]):
    """A list whose ``append`` blocks until the worker's thread runs."""

    def __init__(self, begun: threading.Event) -> None:
        super().__init__()
        self.begun, self.is_given = begun, threading.Event()

    def append(self, step: object) -> None:
        self.is_given.set()
        assert self.begun.wait(60)
        super().append(step)


def test_a_close_while_the_thread_starts_is_not_lost() -> None:
    async def run() -> None:
        api = Silent()
        worker = worker_of(lambda: api)
        steps = worker._queued_steps = Late(api.is_asked)
        closing = threading.Thread(target=worker.close)
        closing.start()
        assert await asyncio.to_thread(steps.is_given.wait, 60)
        await asyncio.wait_for(worker.run(), 60)
        closing.join(60)

    asyncio.run(run())


def test_a_worker_ends_when_its_home_loop_is_closed() -> None:
    async def make() -> Worker:
        return worker_of(Silent)

    async def feed(worker: Worker) -> None:
        worker._advance(lambda now: pytest.fail("nothing is to be done any more"))

    async def execute(worker: Worker) -> None:
        worker._perform(Run(call_of("r1")))

    for step in (feed, execute):
        worker = asyncio.run(make())
        asyncio.run(step(worker))
        assert worker._stopped.is_set()
        assert "that called start() is closed" in str(worker._error)


@pytest.mark.parametrize(
    ("body", "is_delivered"),
    [
        (wire.FlushResponse(request_id="r1").SerializeToString(), True),
        (wire.FlushResponse(request_id="r2").SerializeToString(), False),
        (b"", False),
        (b"<html>Please log in</html>", False),
    ],
)
def test_a_flush_succeeds_only_if_the_server_confirms_this_reply(
    body: bytes, is_delivered: bool
) -> None:
    """A proxy may respond with 200 to anything."""

    class Saying(Api):
        async def post(self, path: str, body: bytes, authorization: str | None) -> Any:
            return answer

    async def run() -> bool:
        worker = worker_of(Silent)
        worker._api = Saying("http://127.0.0.1:9", None, 1)
        worker._advance = lambda step: step(0.0)  # type: ignore[method-assign,assignment]
        outbox = worker._machine._delivery.outbox
        outbox.add("r1", b"reply", 0.0)
        await worker._flush(Flush("r1", b"reply", None))
        return outbox.get("r1") is None

    answer = ApiSuccess(body)
    assert asyncio.run(run()) == is_delivered


def test_an_invalid_proxy_is_not_logged_as_a_failure_of_the_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def unusable() -> Api:
        raise ConnectError("the environment's proxy cannot be used")

    with pytest.raises(ConnectError, match=r"^the environment's proxy cannot be used$"):
        asyncio.run(asyncio.wait_for(run_worker(unusable), 60))
    assert "thread failed" not in caplog.text


def test_a_socket_that_never_opened_leaves_no_tasks() -> None:
    """The gateway never responds: the machine gives up one handshake after another."""

    async def run() -> dict[int, Any]:
        asked, done = asyncio.Event(), asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await done.wait()
            writer.close()

        async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
            worker = worker_of(Silent)
            worker._open(1, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await asked.wait()
            worker._close(1, 1000, "the handshake timed out")
            await asyncio.wait([*worker._tasks, *worker._closing])
            done.set()
        return worker._sockets

    assert asyncio.run(asyncio.wait_for(run(), 60)) == {}
