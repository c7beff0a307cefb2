from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from inngest._internal.runtime import presence
from inngest._internal.runtime.presence import WhilePresent


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "PATIENCE", 0.0)


class Client:
    def __init__(self) -> None:
        self.is_watched = asyncio.Event()
        self.has_left = asyncio.Event()

    async def leaving(self) -> None:
        self.is_watched.set()
        await self.has_left.wait()


def run(body: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(body(Client()), 60)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_nobody_looks_while_the_work_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "PATIENCE", 60.0)

    async def body(client: Client) -> None:
        async with WhilePresent(client.leaving):
            await asyncio.sleep(0)
        assert not client.is_watched.is_set()

    run(body)


def test_the_work_of_a_client_that_stays_is_finished() -> None:
    async def body(client: Client) -> None:
        async with WhilePresent(client.leaving):
            await client.is_watched.wait()
            await asyncio.sleep(0)

    run(body)


def test_the_work_of_a_client_that_leaves_is_ended() -> None:
    async def body(client: Client) -> None:
        ended: list[str] = []
        async with WhilePresent(client.leaving):
            await client.is_watched.wait()
            client.has_left.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.append("work")
        assert ended == ["work"]
        await asyncio.sleep(0)  # the task itself continues

    run(body)


def test_a_client_that_leaves_when_all_is_done_disturbs_nobody() -> None:
    async def body(client: Client) -> None:
        client.has_left.set()
        async with WhilePresent(client.leaving):
            await client.is_watched.wait()
            # Nothing is awaited from here on, so the cancellation stays pending until the block ends.
        await asyncio.sleep(0)

    run(body)


def test_a_server_that_cannot_tell_has_lost_the_client() -> None:
    async def body(_client: Client) -> None:
        async def broken() -> None:
            raise RuntimeError("no connection")

        async with WhilePresent(broken):
            await asyncio.get_running_loop().create_future()

    run(body)


def test_who_cancels_the_task_is_heard() -> None:
    async def body(client: Client) -> None:
        async def work() -> None:
            async with WhilePresent(client.leaving):
                await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(work())
        await client.is_watched.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(body)


def test_errors_of_the_work_are_raised() -> None:
    async def work(client: Client) -> None:
        async with WhilePresent(client.leaving):
            await client.is_watched.wait()
            raise ValueError("broken")

    async def body(client: Client) -> None:
        with pytest.raises(ValueError, match="broken"):
            await work(client)

    run(body)
