"""The thread of a worker, and those who talk to it from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from inngest.connect._internal.api import Api, Unanswered
from inngest.connect._internal.conftest import OK, Paper
from inngest.connect._internal.timing import Timing
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.connect._internal.worker import Worker
from inngest.transport import CommResponse


class Silent(Api):
    """An API that never answers. It is asked when the worker's thread has begun."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", None, 1)
        self.is_asked = threading.Event()

    async def post(self, path: str, body: bytes, authorization: str | None) -> Any:
        self.is_asked.set()
        await asyncio.Event().wait()


def worker_of(api: Callable[[], Api]) -> Worker:
    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        return OK

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
        assert self.begun.wait(10)
        super().append(step)


def test_what_is_asked_for_while_the_thread_begins_is_not_lost() -> None:
    async def run() -> None:
        api = Silent()
        worker = worker_of(lambda: api)
        wishes = worker._wishes = Late(api.is_asked)
        closing = threading.Thread(target=worker.close)
        closing.start()
        assert await asyncio.to_thread(wishes.is_given.wait, 10)
        await asyncio.wait_for(worker.run(), 10)
        closing.join(10)

    asyncio.run(run())


def failure_of(api: Api) -> Unanswered:
    async def run() -> object:
        try:
            return await api.post("/v0/connect/start", b"", None)
        finally:
            await api.close()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Unanswered)
    return outcome


def test_a_request_that_cannot_even_be_made_is_one_that_was_not_answered() -> None:
    outcome = failure_of(Api("http://127.0.0.1:9", "na\u00efve", 1))
    assert outcome.status == 0
    assert outcome.reason.startswith("http://127.0.0.1:9: UnicodeEncodeError")


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
