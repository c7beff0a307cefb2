"""What our engine answers to recorded registrations."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx
import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.api.app import build_app

from .engine_replay import LIMIT
from .replay import Exchange, load

NAME: Final = "sync_errors"
INVALID: Final = "At least one function is invalid"
ASKED: Final = load(NAME)

OTHER_TEXTS: Final = {
    54: "Invalid request: Expecting property name enclosed in double quotes: "
    "line 1 column 2 (char 1)",
}
"""Where the recorded text is that of Go's parser."""

KINDS: Final = {2: ("Expected server kind dev, got cloud", "Expected server kind cloud, got dev")}
"""The recorded server names the two kinds the other way round."""


async def answers() -> list[httpx.Response]:
    engine = Engine(clock=VirtualClock())
    await engine.start()
    try:
        transport = httpx.ASGITransport(build_app(engine))
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as http:
            return [
                await http.request(
                    each.method, each.path, headers=dict(each.headers), content=each.raw
                )
                for each in ASKED
            ]
    finally:
        await engine.stop()


@pytest.fixture(scope="module")
def answered() -> list[httpx.Response]:
    async def limited() -> list[httpx.Response]:
        return await asyncio.wait_for(answers(), LIMIT)

    return asyncio.run(limited())


@pytest.mark.parametrize("recorded", ASKED, ids=lambda each: str(each.index))
def test_a_registration_is_answered_as_recorded(
    recorded: Exchange, answered: list[httpx.Response]
) -> None:
    ours = answered[recorded.index]
    assert ours.status_code == recorded.status, ours.text
    expected = recorded.response_body
    if expected is None:
        return
    body = ours.json()
    assert ours.headers["content-type"] == recorded.response_headers["content-type"]
    if "error" not in expected:
        assert set(body) == set(expected)
        assert (body["ok"], body["modified"]) == (expected["ok"], expected["modified"])
    elif expected["error"] == INVALID:
        # ours says which function, and what is wrong with it
        assert body["error"].startswith(INVALID + ": ")
        assert (body["data"], body["status"]) == (None, 400)
    elif recorded.index in KINDS:
        assert (expected["error"], body["error"]) == KINDS[recorded.index]
    else:
        text = OTHER_TEXTS.get(recorded.index, expected["error"])
        assert body["error"].removesuffix(" (throttle.period)") == text
