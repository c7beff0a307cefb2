from __future__ import annotations

import asyncio

import pytest

from inngest.dev._internal.clock import RealClock, wait_for_event


class _Nothing:
    """No time matters."""

    def next_due(self) -> int | None:
        return None

    def waits_for_time(self) -> bool:
        return False


def test_a_cancellation_is_not_lost_when_the_event_is_set_just_then() -> None:
    async def main() -> None:
        wake, rounds = asyncio.Event(), 0

        async def work() -> None:
            nonlocal rounds
            while rounds < 10:
                rounds += 1
                wake.clear()
                await RealClock().wait(wake, _Nothing())

        task = asyncio.get_running_loop().create_task(work())
        for _ in range(3):
            await asyncio.sleep(0)
        assert rounds == 1  # it waits
        wake.set()
        await asyncio.sleep(0)  # the wait is over, and nobody has been told
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
        assert rounds == 1

    asyncio.run(main())


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class _Tomorrow(_Nothing):
    def next_due(self) -> int | None:
        return RealClock().now() + 86_400_000


def test_it_looks_again_soon_lest_the_machine_was_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        moment = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: moment)
        waiting = asyncio.ensure_future(RealClock().wait(asyncio.Event(), _Tomorrow()))
        await turns(5)
        assert not waiting.done()
        moment = 30.0
        await turns(5)
        assert waiting.done()

    asyncio.run(main())


def test_a_wait_ends_with_its_time() -> None:
    asyncio.run(asyncio.wait_for(wait_for_event(asyncio.Event(), 0.001), 60))
