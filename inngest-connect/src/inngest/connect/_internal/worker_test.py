"""The thread of a worker, and those who talk to it from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from inngest.connect._internal.api import Answered, Api, Unanswered
from inngest.connect._internal.conftest import OK, Paper, call_of
from inngest.connect._internal.effects import Flush
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.connect._internal.worker import Execute, Worker
from inngest.transport import CommResponse


class Silent(Api):
    """An API that never answers. It is asked when the worker's thread has begun."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", None, 1)
        self.is_asked = threading.Event()

    async def post(self, path: str, body: bytes, authorization: str | None) -> Any:
        self.is_asked.set()
        await asyncio.Event().wait()


async def execute_nothing(request: wire.GatewayExecutorRequestData) -> CommResponse:
    return OK


def worker_of(api: Callable[[], Api], execute: Execute = execute_nothing) -> Worker:
    return Worker(
        Paper().machine,
        api=api,
        execute=execute,
        entered=lambda state: None,
        orphaned=lambda error: None,
        waiting=lambda: 0,
        timing=Timing(goodbye=0.1),
    )


class Late(list[Any]):
    """Takes what it is given when the worker's thread has begun, and not before."""

    def __init__(self, begun: threading.Event) -> None:
        super().__init__()
        self.begun, self.is_given = begun, threading.Event()

    def append(self, step: object) -> None:
        self.is_given.set()
        assert self.begun.wait(60)
        super().append(step)


def test_what_is_asked_for_while_the_thread_begins_is_not_lost() -> None:
    async def run() -> None:
        api = Silent()
        worker = worker_of(lambda: api)
        wishes = worker._wishes = Late(api.is_asked)
        closing = threading.Thread(target=worker.close)
        closing.start()
        assert await asyncio.to_thread(wishes.is_given.wait, 60)
        await asyncio.wait_for(worker.run(), 60)
        closing.join(60)

    asyncio.run(run())


@pytest.mark.parametrize("raised", [GeneratorExit(), BaseException("boom"), ValueError("boom")])
def test_a_call_is_answered_whatever_it_raises(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        raise raised

    async def run() -> CommResponse:
        worker = worker_of(Silent, execute)
        replied = asyncio.get_running_loop().create_future()
        worker._loop = asyncio.get_running_loop()
        worker._feed = lambda step: replied.set_result(step.args[1])  # type: ignore[method-assign,attr-defined]
        await worker._answer(call_of("r1"))
        return await asyncio.wait_for(replied, 60)

    response = asyncio.run(run())
    assert response.status == 500
    assert "a call failed inside the library" in caplog.text


@pytest.mark.parametrize(
    ("body", "is_delivered"),
    [
        (wire.FlushResponse(request_id="r1").SerializeToString(), True),
        (wire.FlushResponse(request_id="r2").SerializeToString(), False),
        (b"", False),
        (b"<html>Please log in</html>", False),
    ],
)
def test_a_reply_is_delivered_when_the_server_says_that_it_has_this_one(
    body: bytes, is_delivered: bool
) -> None:
    """What stands in between may answer 200 to anything."""

    class Saying(Api):
        async def post(self, path: str, body: bytes, authorization: str | None) -> Any:
            return answer

    async def run() -> bool:
        worker = worker_of(Silent)
        worker._api = Saying("http://127.0.0.1:9", None, 1)
        worker._feed = lambda step: step(0.0)  # type: ignore[method-assign,assignment]
        outbox = worker._machine._delivery.outbox
        outbox.add("r1", b"reply", 0.0)
        await worker._flush(Flush("r1", b"reply", None))
        return outbox.get("r1") is None

    answer = Answered(body)
    assert asyncio.run(run()) == is_delivered


def failure_of(api: Api) -> Unanswered:
    async def run() -> object:
        try:
            return await asyncio.wait_for(api.post("/v0/connect/start", b"", None), 60)
        finally:
            await api.close()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Unanswered)
    return outcome


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:9", "http://127.0.0.1:port"])
def test_a_proxy_that_cannot_be_used_is_in_the_way_of_those_only_who_need_it(
    proxy: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert failure_of(Api("http://127.0.0.1:9", None, 1)).status == 0

    async def run() -> None:
        await worker_of(lambda: Api("https://api.invalid", None, 1)).run()

    with pytest.raises(ConnectError, match=r"^the environment's proxy cannot be used: "):
        asyncio.run(asyncio.wait_for(run(), 60))
    assert "thread has failed" not in caplog.text


def test_a_request_that_cannot_even_be_made_is_one_that_was_not_answered() -> None:
    outcome = failure_of(Api("http://127.0.0.1:port", None, 1))
    assert outcome.status == 0
    assert outcome.reason.startswith("http://127.0.0.1:port: InvalidURL")


def test_a_branch_may_be_named_in_any_language() -> None:
    env, heads = "\u65e5\u672c", list[bytes]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async def run() -> object:
        async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
            api = Api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", env, 60)
            try:
                return await api.post("/v0/connect/start", b"", None)
            finally:
                await api.close()

    assert asyncio.run(asyncio.wait_for(run(), 60)) == Answered(b"")
    assert f"x-inngest-env: {env}\r\n".encode() in heads[0]


def test_nothing_is_left_of_a_socket_that_never_opened() -> None:
    """A gateway behind a black hole: the machine gives up the handshake, again and again."""

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
            worker._close(1, 1000, "no handshake in time")
            await asyncio.wait([*worker._tasks, *worker._hanging_up])
            done.set()
        return worker._sockets

    assert asyncio.run(asyncio.wait_for(run(), 60)) == {}


def test_an_answer_that_trickles_in_is_not_waited_for_longer_than_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    api = Api("http://127.0.0.1:9", None, 0.1)
    asyncio.run(api.close())
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=trickle()))
    monkeypatch.setattr(api, "_client", httpx.AsyncClient(transport=transport))
    outcome = failure_of(api)
    assert outcome == Unanswered(0, "http://127.0.0.1:9: no answer in 0.1 seconds")


def test_a_large_body_has_the_time_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.2)
        return httpx.Response(200)

    async def run() -> object:
        api = Api("http://127.0.0.1:9", None, 0.1)
        await api.close()
        monkeypatch.setattr(
            api, "_client", httpx.AsyncClient(transport=httpx.MockTransport(slowly))
        )
        try:
            return await api.post("/v0/connect/flush", bytes(1_000_000), None)
        finally:
            await api.close()

    assert asyncio.run(run()) == Answered(b"")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Connect needs:\n more\n", ": status 501: Connect needs: more"),
        ("<html>Bad gateway</html>", ": status 501"),
        ("", ": status 501"),
        ("x" * 1000, ": status 501: xxxxxxxxxx"),
    ],
)
def test_what_a_server_says_of_a_failure_is_told(
    body: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api("http://127.0.0.1:9", None, 1)
    asyncio.run(api.close())
    transport = httpx.MockTransport(lambda request: httpx.Response(501, text=body))
    monkeypatch.setattr(api, "_client", httpx.AsyncClient(transport=transport))
    outcome = failure_of(api)
    assert outcome.reason.startswith(f"http://127.0.0.1:9{said}")
    assert len(outcome.reason) <= 200


def answer_to(api: Api, answer: Callable[[httpx.Request], httpx.Response], key: str | None) -> Any:
    async def run() -> object:
        await api.close()
        api._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        try:
            return await asyncio.wait_for(api.post("/v0/connect/start", b"", key), 60)
        finally:
            await api.close()

    return asyncio.run(run())


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_does_not_fill_the_memory(status: int) -> None:
    given = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 50_000_000:
            given += 1_000_000
            yield bytes(1_000_000)

    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(api, lambda _: httpx.Response(status, content=pour()), None)
    assert outcome == Unanswered(0, "http://127.0.0.1:9: an answer of more than 1000000 bytes")
    assert given <= 3_000_000


def test_a_key_that_a_server_says_again_is_not_told() -> None:
    """What echoes requests, such as a proxy that explains itself."""
    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(
        api,
        lambda request: httpx.Response(404, text=request.headers["authorization"]),
        "Bearer signkey-prod-abc",
    )
    assert outcome == Unanswered(404, "http://127.0.0.1:9: status 404: Bearer ***")


@pytest.mark.parametrize(("told", "waited"), [("7", 7), ("99999", 3600), ("soon", 0), ("-1", 0)])
def test_a_server_may_ask_for_an_hour_at_most(told: str, waited: float) -> None:
    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(api, lambda _: httpx.Response(503, headers={"retry-after": told}), None)
    assert outcome.retry_after == waited
