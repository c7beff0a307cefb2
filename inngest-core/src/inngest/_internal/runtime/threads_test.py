"""Work always gets a thread, even if the pool is closed concurrently."""

from __future__ import annotations

import asyncio
import threading

from inngest._internal.runtime.threads import Threads


class Closing:
    """A lock after whose release another thread closes the pool at once."""

    def __init__(self, threads: Threads) -> None:
        self._lock, self._threads, self._is_first = threads._lock, threads, True

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if self._is_first:
            self._is_first = False
            other = threading.Thread(target=self._threads.close)
            other.start()
            other.join(60)


def test_work_is_done_though_the_pool_is_closed_meanwhile() -> None:
    threads = Threads(1)
    threads._lock = Closing(threads)  # type: ignore[assignment]
    assert asyncio.run(threads.run(lambda: "done")) == "done"
    assert threads.waiting == 0
    threads.close()


def test_a_closed_pool_is_made_anew() -> None:
    threads = Threads(1)
    for _ in range(2):
        assert asyncio.run(threads.run(lambda: "done")) == "done"
        threads.close()
