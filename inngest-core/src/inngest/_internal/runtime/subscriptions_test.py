from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import inngest._internal.api.subscription as flow
from inngest._internal.api.subscription import Heard, Message
from inngest._internal.errors import Error
from inngest._internal.flow import Flow, Request
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.runtime.subscriptions import Subscription, SubscriptionSync

REQUEST = Request(method="GET", url="http://h/")


class Streamed(HTTPClients):
    """Responds with a stream of what a test publishes."""

    status_code = 200

    def __init__(self) -> None:
        super().__init__()
        self.published: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_closed = False

    async def open_async(self, request: Request, quiet: float) -> Any:
        return self

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.published.get()

    async def aclose(self) -> None:
        self.is_closed = True


def messages() -> Flow[Error]:
    yield flow.Open(REQUEST, 1)
    yield flow.Ready()
    while True:
        piece: bytes = yield flow.Read()
        yield Heard(Message(kind="data", channel="c", topic="t", data=piece))


def test_who_gives_up_waiting_for_a_message_misses_none() -> None:
    async def run() -> None:
        http = Streamed()
        async with Subscription(http, messages()) as subscription:
            for number in range(3):
                waiting = asyncio.ensure_future(anext(subscription))
                for _ in range(5):
                    await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting])
                http.published.put_nowait(b"%d" % number)
                assert (await anext(subscription)).data == b"%d" % number
        assert http.is_closed

    asyncio.run(asyncio.wait_for(run(), 60))


def test_who_waits_while_it_is_closed_hears_the_end() -> None:
    async def run() -> list[Message]:
        http = Streamed()
        async with Subscription(http, messages()) as subscription:

            async def heard() -> list[Message]:
                return [message async for message in subscription]

            waiting = asyncio.ensure_future(heard())
            for _ in range(5):
                await asyncio.sleep(0)
        return await waiting

    assert asyncio.run(asyncio.wait_for(run(), 60)) == []


def test_a_message_goes_to_one_of_several_who_wait() -> None:
    async def run() -> list[bytes]:
        http = Streamed()
        heard: list[Any] = []
        async with Subscription(http, messages()) as subscription:

            async def hear() -> None:
                heard.extend([message.data async for message in subscription])

            waiting = [asyncio.ensure_future(hear()) for _ in range(3)]
            for number in range(9):
                http.published.put_nowait(b"%d" % number)
            for _ in range(200):
                await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        return heard

    heard = asyncio.run(asyncio.wait_for(run(), 60))
    assert sorted(heard) == [b"%d" % number for number in range(9)]


def test_a_subscription_that_is_closed_is_not_entered_again() -> None:
    async def run() -> None:
        subscription = Subscription(Streamed(), messages())
        async with subscription:
            pass
        with pytest.raises(RuntimeError, match="closed; create a new one"):
            await subscription.__aenter__()

    asyncio.run(asyncio.wait_for(run(), 60))
    subscription = SubscriptionSync(HTTPClients(), messages())
    subscription.close()
    with pytest.raises(RuntimeError, match="closed; create a new one"), subscription:
        pass
