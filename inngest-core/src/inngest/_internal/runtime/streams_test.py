from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from inngest._internal.http.comm import CommResponse
from inngest._internal.http.streaming import seal
from inngest._internal.runtime.streams import AsyncStream, Cancellation, SyncStream
from inngest._internal.runtime.threads import Threads

ANSWER = CommResponse(status=200, body=b"1")
SECONDS = 60.0


def never() -> None:
    raise AssertionError("cancelled")


def test_a_sync_stream_says_something_at_once_and_while_it_waits() -> None:
    done = threading.Event()

    def work() -> CommResponse:
        assert done.wait(SECONDS)
        return ANSWER

    stream = SyncStream(work, threads=Threads(1), cancel=never, interval=0.001)
    assert [next(stream) for _ in range(3)] == [b" "] * 3
    done.set()
    chunks = list(stream)
    assert set(chunks[:-1]) <= {b" "}
    assert chunks[-1] == seal(ANSWER)
    stream.close()


def test_a_sync_stream_whose_work_broke_just_ends(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> CommResponse:
        raise KeyboardInterrupt

    stream = SyncStream(work, threads=Threads(1), cancel=never, interval=SECONDS)
    assert list(stream) == [b" "]
    assert "ended without a response" in caplog.text


def test_closing_a_sync_stream_ends_its_coroutine() -> None:
    begun, ended = threading.Event(), threading.Event()
    cancellation = Cancellation()

    async def endless() -> CommResponse:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()
        return ANSWER

    stream = SyncStream(
        lambda: cancellation.run(endless()),
        threads=Threads(1),
        cancel=cancellation.cancel,
        interval=SECONDS,
    )
    assert begun.wait(SECONDS)
    stream.close()
    assert ended.wait(SECONDS)
    assert list(stream) == []


def test_what_is_cancelled_before_it_begins_never_begins() -> None:
    cancellation = Cancellation()
    cancellation.cancel()

    async def work() -> None:
        raise AssertionError("begun")

    with pytest.raises(asyncio.CancelledError):
        cancellation.run(work())


def test_an_async_stream_keeps_alive_and_ends_with_the_envelope() -> None:
    async def check() -> None:
        done = asyncio.Event()

        async def work() -> CommResponse:
            await done.wait()
            return ANSWER

        stream = AsyncStream(work, interval=0.001)
        assert [await anext(stream) for _ in range(3)] == [b" "] * 3
        done.set()
        chunks = [chunk async for chunk in stream]
        assert chunks[-1] == seal(ANSWER)
        await stream.aclose()

    asyncio.run(check())


@pytest.mark.parametrize("is_awaited", [True, False])
def test_closing_an_async_stream_ends_its_work(is_awaited: bool) -> None:
    async def check() -> None:
        ended = asyncio.Event()

        async def work() -> CommResponse:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.set()
            return ANSWER

        stream = AsyncStream(work, interval=SECONDS)
        assert await anext(stream) == b" "
        await asyncio.sleep(0)
        if is_awaited:
            await stream.aclose()
            assert ended.is_set()
        else:
            await asyncio.to_thread(stream.close)
            await asyncio.wait_for(ended.wait(), SECONDS)
        assert [chunk async for chunk in stream] == []

    asyncio.run(check())


@pytest.mark.parametrize("is_awaited", [True, False])
def test_an_async_stream_that_nobody_reads_does_not_begin(is_awaited: bool) -> None:
    async def check() -> None:
        async def work() -> CommResponse:
            raise AssertionError("begun")

        stream = AsyncStream(work, interval=SECONDS)
        if is_awaited:
            await stream.aclose()
        else:
            await asyncio.to_thread(stream.close)
            await asyncio.sleep(0)
        assert [chunk async for chunk in stream] == []

    asyncio.run(check())


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_stream_may_be_closed_after_its_loop(has_begun: bool) -> None:
    async def work() -> CommResponse:
        return ANSWER

    async def open_it() -> AsyncStream:
        stream = AsyncStream(work, interval=SECONDS)
        if has_begun:
            await anext(stream)
        return stream

    asyncio.run(open_it()).close()


def test_what_a_closed_loop_was_running_may_be_cancelled() -> None:
    loop = asyncio.new_event_loop()

    def on_the_loop(coroutine: Coroutine[Any, Any, Any]) -> None:
        task = loop.create_task(coroutine)
        loop.call_soon(loop.stop)
        loop.run_forever()
        tasks.append(task)
        loop.close()

    async def endless() -> None:
        await loop.create_future()

    tasks = list[asyncio.Task[Any]]()
    cancellation = Cancellation(on_the_loop)
    cancellation.run(endless())
    cancellation.cancel()
    for task in tasks:  # never awaited, which is what is tested: no warning
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        coroutine: Any = task.get_coro()
        coroutine.close()


def test_threads_work_within_their_surroundings_and_the_callers_context() -> None:
    log: list[str] = []
    variable = contextvars.ContextVar("variable", default="none")

    @contextmanager
    def surroundings() -> Iterator[None]:
        log.append("enter")
        try:
            yield
        finally:
            log.append("leave")

    def work() -> str:
        log.append(variable.get())
        variable.set("left behind")
        return threading.current_thread().name

    async def check() -> list[str]:
        threads = Threads(1, surroundings)
        names = []
        for text in ("first", "second"):
            variable.set(text)
            names.append(await threads.run(work))
            assert variable.get() == text
        threads.close()
        threads.close()
        return names

    first, second = asyncio.run(check())
    assert first == second != threading.current_thread().name
    assert log == ["enter", "first", "leave", "enter", "second", "leave"]
