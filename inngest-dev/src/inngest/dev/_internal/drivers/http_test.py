"""What the engine asks others for: their answers are bounded, and no key is in a log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from inngest.dev._internal.drivers.fetching import HttpGateway
from inngest.dev._internal.drivers.http import MAX_SYNC_ANSWER, HttpDriver
from inngest.dev._internal.machine.fetching import Inbound, read_request

URL = "http://app.example/api/inngest"


class Endless(httpx.AsyncByteStream):
    """A body without an end, or one that does not even begin."""

    def __init__(self, *, is_silent: bool) -> None:
        self.is_silent, self.sent = is_silent, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.is_silent:
            await asyncio.Event().wait()
        while self.sent < 100 * MAX_SYNC_ANSWER:
            self.sent += 1024
            yield b"x" * 1024


def synced(body: Endless, timeout: float) -> tuple[int, str]:
    async def run() -> tuple[int, str]:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=body))
        driver = HttpDriver(transport=transport, sync_timeout=timeout)
        try:
            return await driver.sync(URL, kind="dev")
        finally:
            await driver.close()

    return asyncio.run(asyncio.wait_for(run(), 10))


def test_of_an_answer_to_a_sync_no_more_is_read_than_is_told() -> None:
    body = Endless(is_silent=False)
    assert synced(body, timeout=10) == (200, "x" * MAX_SYNC_ANSWER)
    assert body.sent <= 2 * MAX_SYNC_ANSWER


def test_an_answer_to_a_sync_that_does_not_end_is_none() -> None:
    status, text = synced(Endless(is_silent=True), timeout=0.01)
    assert (status, text) == (0, f"cannot reach {URL}: no answer within 0.01 seconds")


def test_a_key_that_a_provider_takes_in_the_url_is_in_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opts = {"url": "http://models.example/v1?a=b", "auth_key": "SECRET", "format": "gemini"}
    request = read_request("AIGateway", opts)
    assert not isinstance(request, str)
    asked: list[str] = []

    def answer(received: httpx.Request) -> httpx.Response:
        asked.append(str(received.url))
        return httpx.Response(200, json={})

    async def run() -> None:
        gateway = HttpGateway(httpx.MockTransport(answer))
        assert isinstance(await gateway.fetch(request), Inbound)
        await gateway.close()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(run())
    assert "SECRET" in asked[0]
    assert "models.example/v1?a=b&key=***" in caplog.text
    assert "SECRET" not in caplog.text
