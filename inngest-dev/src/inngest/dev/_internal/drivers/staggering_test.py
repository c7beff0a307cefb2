"""Calls on one loop: short ones come one after another, and long ones hold up nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inngest.dev._internal.conftest import bounded
from inngest.dev._internal.drivers.staggering import Stagger


def test_a_short_call_is_over_before_the_next_one_begins() -> None:
    async def go() -> list[str]:
        calls, told = Stagger(), list[str]()

        async def call(name: str) -> None:
            async with calls.call():
                told.append(f"{name} begins")
                for _ in range(10):
                    await asyncio.sleep(0)
                told.append(f"{name} ends")

        await asyncio.gather(*(call(name) for name in "abc"))
        return told

    assert bounded(go) == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


def test_calls_may_wait_for_those_that_begin_after_them() -> None:
    async def go() -> int:
        calls, all_are_there = Stagger(), asyncio.Event()
        there = list[int]()

        async def call(number: int) -> None:
            async with calls.call():
                there.append(number)
                if len(there) == 50:
                    all_are_there.set()
                await all_are_there.wait()

        await asyncio.gather(*(call(number) for number in range(50)))
        return len(there)

    assert bounded(go) == 50


def test_one_that_is_cancelled_or_fails_makes_way() -> None:
    async def go() -> str:
        calls = Stagger()

        async def call(work: asyncio.Future[str]) -> str:
            async with calls.call():
                return await work

        loop = asyncio.get_running_loop()
        never, failing, giving = loop.create_future(), loop.create_future(), loop.create_future()
        cancelled, waiting, failed = (
            asyncio.create_task(call(work)) for work in (never, never, failing)
        )
        await asyncio.sleep(0)
        cancelled.cancel()
        waiting.cancel()
        failing.set_exception(ZeroDivisionError)
        with pytest.raises(ZeroDivisionError):
            await failed
        giving.set_result("given")
        return await call(giving)

    assert bounded(go) == "given"


def test_nobody_spins_the_loop_while_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> int:
        loop, calls, turns = asyncio.get_running_loop(), Stagger(), list[object]()
        call_soon = loop.call_soon

        def counted(*args: Any, **options: Any) -> asyncio.Handle:
            turns.append(args[0])
            return call_soon(*args, **options)

        monkeypatch.setattr(loop, "call_soon", counted)
        for _ in range(3):
            async with calls.call():
                await asyncio.sleep(0)
        return len(turns)

    assert bounded(go) == 3, "those of the calls themselves"
