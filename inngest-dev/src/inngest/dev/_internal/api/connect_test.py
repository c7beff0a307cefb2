from __future__ import annotations

import asyncio
from typing import Any, cast

from starlette.websockets import WebSocketState

from inngest.dev._internal.api.connect import Channel
from inngest.dev._internal.conftest import bounded


class Stuck:
    """The socket of a worker that has been halted: nothing is taken in."""

    application_state = WebSocketState.CONNECTED

    def __init__(self) -> None:
        self.asked = 0

    async def send_bytes(self, data: bytes) -> None:
        self.asked += 1
        await asyncio.Event().wait()

    async def close(self, code: int, reason: str) -> None:
        await self.send_bytes(b"")


def test_a_worker_that_takes_nothing_in_is_not_waited_for_without_end() -> None:
    socket = Stuck()

    async def run() -> None:
        channel = Channel(cast(Any, socket), 0.01)
        sending = [asyncio.ensure_future(channel.send(b"call")) for _ in range(3)]
        await channel.close(1008, "CONSECUTIVE_HEARTBEATS_MISSED")
        await asyncio.gather(*sending)

    bounded(run)
    assert socket.asked == 1
