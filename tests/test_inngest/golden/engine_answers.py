"""Send the recorded requests to our engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app

from .engine_replay import LIMIT
from .replay import Exchange


def answers_to(asked: Sequence[Exchange]) -> list[httpx.Response]:
    """Return the responses of one engine to all requests, in order."""

    async def limited() -> list[httpx.Response]:
        return await asyncio.wait_for(_answers_to(asked), LIMIT)

    return asyncio.run(limited())


async def _answers_to(asked: Sequence[Exchange]) -> list[httpx.Response]:
    engine = Engine(clock=VirtualClock())
    await engine.start()
    try:
        transport = httpx.ASGITransport(build_app(engine))
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as http:
            return [
                await http.request(
                    each.method, each.path, headers=dict(each.headers), content=each.raw
                )
                for each in asked
            ]
    finally:
        await engine.stop()
