from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inngest.connect._internal.sockets import ABNORMAL, MAX_FRAME_BYTES, Socket


def socket_to(server: Server) -> Socket:
    port = next(iter(server.sockets)).getsockname()[1]
    return socket_at(f"ws://127.0.0.1:{port}")


def socket_at(url: str) -> Socket:
    return Socket(
        url,
        opened=lambda: None,
        received=lambda _data: None,
        handshake=60,
        closing=60,
    )


def test_a_frame_that_is_too_large_closes_the_connection() -> None:
    async def talk(connection: ServerConnection) -> None:
        try:
            await connection.send(bytes(MAX_FRAME_BYTES + 1))
            await connection.wait_closed()
        except ConnectionClosed:
            return

    async def run() -> tuple[int, str]:
        async with serve(talk, "127.0.0.1", 0) as server:
            return await socket_to(server).run()

    code, reason = asyncio.run(asyncio.wait_for(run(), 60))
    assert code == ABNORMAL
    assert "exceeds limit" in reason


def test_the_reason_names_a_gateway_that_cannot_be_reached() -> None:
    socket = socket_at("ws://who:secret@127.0.0.1:1/v0/connect")
    code, reason = asyncio.run(asyncio.wait_for(socket.run(), 60))
    assert code == ABNORMAL
    assert reason.startswith("cannot connect to 127.0.0.1:1: ConnectionRefusedError")


def test_redirects_are_not_followed() -> None:
    """The API did not name the target, which must not receive the token."""
    visitors: list[object] = []

    async def talk(connection: ServerConnection) -> None:
        visitors.append(connection)

    async def run() -> tuple[int, str]:
        async with serve(talk, "127.0.0.1", 0) as other:
            port = next(iter(other.sockets)).getsockname()[1]

            def redirect(connection: ServerConnection, _request: Request) -> Response:
                response = connection.respond(HTTPStatus.FOUND, "elsewhere")
                response.headers["Location"] = f"ws://127.0.0.1:{port}/?token=SECRET"
                return response

            async with serve(talk, "127.0.0.1", 0, process_request=redirect) as server:
                return await socket_to(server).run()

    code, reason = asyncio.run(asyncio.wait_for(run(), 60))
    assert code == ABNORMAL
    assert reason.endswith("server rejected WebSocket connection: HTTP 302")
    assert visitors == []


@pytest.mark.parametrize("proxy", ["ada:SECRET@proxy.test:3128", "socks9://ada:SECRET@proxy.test"])
def test_the_reason_for_an_invalid_proxy_does_not_show_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    socket = socket_at("wss://gateway.test")
    code, reason = asyncio.run(asyncio.wait_for(socket.run(), 60))
    assert code == ABNORMAL
    assert reason.startswith("cannot connect to gateway.test: the environment's proxy cannot be ")
    assert "SECRET" not in reason


def test_large_replies_do_not_delay_heartbeats() -> None:
    came: list[bytes] = []

    async def listen(connection: ServerConnection) -> None:
        for _ in range(4):
            frame = await connection.recv()
            assert isinstance(frame, bytes)
            came.append(frame)

    async def run() -> None:
        async with serve(listen, "127.0.0.1", 0) as server:
            socket = socket_to(server)
            for data, is_large in ((b"r1", True), (b"r2", True), (b"b1", False), (b"b2", False)):
                socket.send(data, is_large=is_large)
            await socket.run()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert came == [b"b1", b"b2", b"r1", b"r2"]
