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
from inngest.dev._internal.protocol.answer import Errored, Returned
from inngest.dev._internal.protocol.call import Call

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

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_of_an_answer_to_a_sync_no_more_is_read_than_is_told() -> None:
    body = Endless(is_silent=False)
    assert synced(body, timeout=60) == (200, "x" * MAX_SYNC_ANSWER)
    assert body.sent <= 2 * MAX_SYNC_ANSWER


def test_an_answer_to_a_sync_that_does_not_end_is_none() -> None:
    status, text = synced(Endless(is_silent=True), timeout=0.01)
    assert (status, text) == (0, f"cannot reach {URL}: no answer within 0.01 seconds")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_app_that_has_moved_is_called_and_not_introspected(status: int) -> None:
    moved = f"{URL}/?fnId=f&stepId=step"
    asked: list[tuple[str, str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url), request.content))
        if str(request.url) != moved:
            return httpx.Response(status, headers={"location": "/api/inngest/?fnId=f&stepId=step"})
        return httpx.Response(200, json="done", headers={"x-inngest-sdk": "test:v1"})

    async def run() -> None:
        driver = HttpDriver(transport=httpx.MockTransport(answer))
        call = Call(url=f"{URL}?fnId=f&stepId=step", headers={"x-run-id": "R"}, body=b"{}")
        assert await driver.call(call, now=0) == Returned(output="done")
        assert await driver.sync(URL, kind="dev") == (200, '"done"')
        await driver.close()

    asyncio.run(run())
    assert [(method, body) for method, url, body in asked if url == moved] == [
        ("POST", b"{}"),
        ("PUT", b'{"url":"http://app.example/api/inngest"}'),
    ]


@pytest.mark.parametrize("location", [URL, "http://[", "file:///etc/passwd"])
def test_a_redirect_that_leads_nowhere_is_a_failed_attempt(location: str) -> None:
    async def run() -> None:
        answer = httpx.Response(302, headers={"location": location})
        driver = HttpDriver(transport=httpx.MockTransport(lambda request: answer))
        failed = await driver.call(Call(url=URL, headers={}, body=b""), now=0)
        assert isinstance(failed, Errored) and not failed.no_retry
        assert failed.text.startswith(f"cannot call {URL}: ")
        status, text = await driver.sync(URL, kind="dev")
        assert status == 0 and text.startswith(f"cannot reach {URL}: ")
        await driver.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "headers"),
    [(URL, {"content-type": "text/é"}), ("http://@/x", {}), ("http://xn--a", {})],
)
def test_what_cannot_be_sent_is_a_failed_attempt(url: str, headers: dict[str, str]) -> None:
    async def run() -> None:
        driver = HttpDriver()
        failed = await driver.call(Call(url=url, headers=headers, body=b""), now=0)
        assert isinstance(failed, Errored) and not failed.no_retry
        assert failed.text.startswith(f"cannot call {url}: ")
        if not headers:
            status, text = await driver.sync(url, kind="dev")
            assert status == 0 and text.startswith(f"cannot reach {url}: ")
        await driver.close()

    asyncio.run(run())


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
