"""Threads that await coroutines on the event loop of a framework."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from inngest._internal.runtime import portal
from inngest._internal.runtime.drivers import run_coroutine
from inngest._internal.runtime.portal import HostLoop


def awaited_on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> list[object]:
    """Run ``work`` on a thread by means of ``loop``, which is then stopped and closed."""
    outcome = list[object]()

    def run() -> None:
        try:
            outcome.append(HostLoop(loop).run(work))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    loop.call_soon(thread.start)
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    loop.close()
    thread.join(60)
    for task in left:  # never awaited, which is what is tested: no warning
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        coroutine: Any = task.get_coro()
        coroutine.close()
    return outcome


def test_a_thread_does_not_wait_for_a_loop_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "LOOK_SECONDS", 0.01)
    loop = asyncio.new_event_loop()

    async def endless() -> None:
        loop.stop()
        await loop.create_future()

    (error,) = awaited_on(loop, endless())
    assert isinstance(error, RuntimeError) and "has been closed" in str(error)


@pytest.mark.parametrize("is_closed_before", [True, False])
def test_what_a_closed_loop_never_began_leaves_no_warning(
    is_closed_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has ended while one of its threads calls a hook; warnings are errors here."""
    monkeypatch.setattr(portal, "LOOK_SECONDS", 0.01)
    loop = asyncio.new_event_loop()

    async def hook() -> None: ...

    if is_closed_before:
        loop.close()
    else:
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_, **__: loop.close())
    with pytest.raises(RuntimeError, match=r"(is|has been) closed"):
        HostLoop(loop).run(hook())
    gc.collect()


@pytest.mark.parametrize("error", [TimeoutError, RuntimeError])
def test_what_is_raised_on_the_loop_is_raised_on_the_thread(error: type[Exception]) -> None:
    loop = asyncio.new_event_loop()

    async def failing() -> None:
        loop.call_soon(loop.stop)
        raise error("told")

    (raised,) = awaited_on(loop, failing())
    assert type(raised) is error and str(raised) == "told"


@pytest.mark.parametrize("is_asked_first", [False, True])
def test_nothing_is_left_of_what_a_closed_loop_has_not_begun(
    is_asked_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal, "LOOK_SECONDS", 0.01)
    loop, is_asked = asyncio.new_event_loop(), threading.Event()

    async def late() -> None: ...

    if is_asked_first:
        ask = loop.call_soon_threadsafe

        def asked(*args: Any, **options: Any) -> Any:
            handle = ask(*args, **options)
            is_asked.set()
            return handle

        monkeypatch.setattr(loop, "call_soon_threadsafe", asked)
    else:
        loop.close()
    work, failed = late(), list[BaseException]()

    def run() -> None:
        try:
            HostLoop(loop).run(work)
        except RuntimeError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    if is_asked_first:
        assert is_asked.wait(60)
        loop.close()
    thread.join(60)
    assert [str(error).endswith("closed") for error in failed] == [True]
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED


def test_a_call_does_not_wait_for_threads_that_it_has_given_up() -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    async def gives_up() -> None:
        loop, has_begun = asyncio.get_running_loop(), asyncio.Event()

        def stuck() -> None:
            loop.call_soon_threadsafe(has_begun.set)
            may_end.wait(60)
            has_ended.set()

        waiting = asyncio.ensure_future(asyncio.to_thread(stuck))
        await has_begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    try:
        run_coroutine(gives_up())
        assert not has_ended.is_set()
    finally:
        may_end.set()
    assert has_ended.wait(60)
