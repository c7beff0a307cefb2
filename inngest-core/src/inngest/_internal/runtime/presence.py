"""Cancel the work for a request when its client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

from typing_extensions import Self

PATIENCE = 0.02
"""Seconds after which a request starts a task that watches for a disconnect.

Most requests are answered sooner, without the cost of the task.
"""


class WhilePresent:
    """Cancels the work in its block, and suppresses the cancellation, if the client disconnects.

    :param leaving: returns when the client has disconnected.
    """

    def __init__(self, leaving: Callable[[], Awaitable[object]]) -> None:
        self._leaving = leaving
        self._watcher: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> Self:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancels_before = _cancels_of(task)
        self._timer = loop.call_later(PATIENCE, self._start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._timer.cancel()
        if self._watcher is None:
            return False
        if not self._has_left:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
            return False
        if error is None:  # the client left after the work was done: consume the cancellation
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError as cancelled:
                error = cancelled
        is_ours = _uncancel(self._task) <= self._cancels_before
        return is_ours and isinstance(error, asyncio.CancelledError)

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        with suppress(Exception):  # if the server raises, the connection is lost
            await self._leaving()
        self._has_left = True
        self._task.cancel()


def _cancels_of(task: asyncio.Task[object]) -> int:
    """Return how many cancellations are pending; 0 on Python 3.10, which cannot tell."""
    cancelling = getattr(task, "cancelling", None)
    return 0 if cancelling is None else int(cancelling())


def _uncancel(task: asyncio.Task[object]) -> int:
    uncancel = getattr(task, "uncancel", None)
    return 0 if uncancel is None else int(uncancel())


__all__ = ["WhilePresent"]
