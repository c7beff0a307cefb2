"""The execution of calls on the loop that called ``start()``."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from inngest.connect._internal.conftest import OK, call_of
from inngest.connect._internal.home import Home
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

SPEAKER = ContextVar("speaker", default="nobody")
Replied = list[tuple[str, CommResponse]]


@pytest.mark.parametrize("raised", [GeneratorExit(), BaseException("boom"), ValueError("boom")])
def test_a_call_is_answered_whatever_it_raises(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        raise raised

    async def run() -> tuple[str, CommResponse]:
        replied: asyncio.Future[tuple[str, CommResponse]] = asyncio.Future()
        home = Home(execute, lambda *told: replied.set_result(told))
        assert home.execute(call_of("r1"))
        return await asyncio.wait_for(replied, 60)

    request_id, response = asyncio.run(run())
    assert (request_id, response.status) == ("r1", 500)
    assert "a call failed inside the library" in caplog.text


def test_calls_see_the_context_that_the_worker_was_made_in() -> None:
    seen = list[str]()

    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        seen.append(SPEAKER.get())
        SPEAKER.set("a call")
        return OK

    async def run() -> None:
        SPEAKER.set("the owner")
        replied = asyncio.Semaphore(0)
        home = Home(execute, lambda *told: replied.release())
        SPEAKER.set("somebody later")
        for request_id in ("r1", "r2"):
            home.execute(call_of(request_id))
            await asyncio.wait_for(replied.acquire(), 60)

    asyncio.run(run())
    assert seen == ["the owner", "the owner"]


def test_calls_that_are_cancelled_are_not_answered() -> None:
    begun, ended, told = asyncio.Event(), asyncio.Event(), Replied()

    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        begun.set()
        try:
            return await asyncio.Future()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async def run() -> None:
        home = Home(execute, lambda *each: told.append(each))
        home.execute(call_of("r1"))
        await begun.wait()
        await home.cancel_calls()
        assert ended.is_set()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert told == []


def test_execute_and_end_return_false_if_the_loop_is_closed() -> None:
    async def execute(request: wire.GatewayExecutorRequestData) -> CommResponse:
        return OK

    async def make() -> Home:
        return Home(execute, lambda *told: None)

    home = asyncio.run(make())
    assert home.is_closed
    assert not home.execute(call_of("r1"))
    assert not home.end(None)
