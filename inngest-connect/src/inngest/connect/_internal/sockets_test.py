from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from inngest.connect._internal.sockets import ABNORMAL, MAX_FRAME_BYTES, Socket


def test_a_frame_that_is_too_large_ends_the_connection_and_is_told() -> None:
    async def talk(connection: ServerConnection) -> None:
        try:
            await connection.send(bytes(MAX_FRAME_BYTES + 1))
            await connection.wait_closed()
        except ConnectionClosed:
            return

    async def run() -> tuple[int, str]:
        async with serve(talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            socket = Socket(
                f"ws://127.0.0.1:{port}",
                opened=lambda: None,
                received=lambda _data: None,
                handshake=10,
                goodbye=10,
            )
            return await socket.run()

    code, reason = asyncio.run(asyncio.wait_for(run(), 30))
    assert code == ABNORMAL
    assert "exceeds limit" in reason


def test_a_gateway_that_cannot_be_reached_is_named() -> None:
    socket = Socket(
        "ws://who:secret@127.0.0.1:1/v0/connect",
        opened=lambda: None,
        received=lambda _data: None,
        handshake=10,
        goodbye=10,
    )
    code, reason = asyncio.run(asyncio.wait_for(socket.run(), 30))
    assert code == ABNORMAL
    assert reason.startswith("cannot connect to 127.0.0.1:1: ConnectionRefusedError")
