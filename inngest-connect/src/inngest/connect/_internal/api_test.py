"""The results of API requests, whatever the server responds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from inngest.connect._internal.api import Api, ApiFailure, ApiSuccess
from inngest.connect._internal.errors import ConnectError


def failure_of(api: Api) -> ApiFailure:
    async def run() -> object:
        try:
            return await asyncio.wait_for(api.post("/v0/connect/start", b"", None), 60)
        finally:
            await api.close()

    outcome = asyncio.run(run())
    assert isinstance(outcome, ApiFailure)
    return outcome


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:9", "http://127.0.0.1:port"])
def test_an_invalid_proxy_is_an_error_only_for_remote_servers(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert failure_of(Api("http://127.0.0.1:9", None, 1)).status == 0
    with pytest.raises(ConnectError, match=r"^the environment's proxy cannot be used: "):
        Api("https://api.invalid", None, 1)


def test_a_request_that_cannot_be_made_is_a_failure() -> None:
    outcome = failure_of(Api("http://127.0.0.1:port", None, 1))
    assert outcome.status == 0
    assert outcome.reason.startswith("http://127.0.0.1:port: InvalidURL")


def test_a_branch_environment_may_have_a_non_ascii_name() -> None:
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

    assert asyncio.run(asyncio.wait_for(run(), 60)) == ApiSuccess(b"")
    assert f"x-inngest-env: {env}\r\n".encode() in heads[0]


def test_the_timeout_applies_to_the_whole_response(
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
    assert outcome == ApiFailure(0, "http://127.0.0.1:9: no response in 0.1 seconds")


def test_the_timeout_allows_for_the_upload_of_a_large_body(monkeypatch: pytest.MonkeyPatch) -> None:
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

    assert asyncio.run(run()) == ApiSuccess(b"")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Connect needs:\n more\n", ": status 501: Connect needs: more"),
        ("<html>Bad gateway</html>", ": status 501"),
        ("", ": status 501"),
        ("x" * 1000, ": status 501: xxxxxxxxxx"),
    ],
)
def test_the_body_of_an_error_response_is_in_the_reason(
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
def test_an_endless_response_is_cut_off(status: int) -> None:
    given = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 50_000_000:
            given += 1_000_000
            yield bytes(1_000_000)

    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(api, lambda _: httpx.Response(status, content=pour()), None)
    assert outcome == ApiFailure(0, "http://127.0.0.1:9: the response has more than 1000000 bytes")
    assert given <= 3_000_000


def test_a_key_that_the_server_echoes_is_masked() -> None:
    """E.g. a proxy that quotes the request in its error page."""
    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(
        api,
        lambda request: httpx.Response(404, text=request.headers["authorization"]),
        "Bearer signkey-prod-abc",
    )
    assert outcome == ApiFailure(404, "http://127.0.0.1:9: status 404: Bearer ***")


@pytest.mark.parametrize(("told", "waited"), [("7", 7), ("99999", 3600), ("soon", 0), ("-1", 0)])
def test_retry_after_is_limited_to_an_hour(told: str, waited: float) -> None:
    api = Api("http://127.0.0.1:9", None, 60)
    outcome = answer_to(api, lambda _: httpx.Response(503, headers={"retry-after": told}), None)
    assert outcome.retry_after == waited
