"""Track the tasks that a piece of code starts, on an event loop of somebody else's.

While at least one tracker is active on a loop, a task factory wraps the loop's own one and
calls the tracker of the context in which a task is created. When the last tracker ends, the
original factory is restored.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from inngest._internal.runtime.stray import exit_error

Track = Callable[["asyncio.Task[Any]", Coroutine[Any, Any, Any]], object]
"""Called with a new task and its coroutine, which must be closed once the task has ended."""

_track: ContextVar[Track | None] = ContextVar("inngest_track_task", default=None)


class _Factory:
    """A task factory that calls trackers."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.users = 0

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        track = _track.get()
        started = coro
        if track is not None and inspect.iscoroutine(coro):
            started = _survive_exit(coro)
        if self.inner is None:
            task = asyncio.Task(started, loop=loop, **options)
        else:
            task = self.inner(loop, started, **options)
        if track is not None:
            track(task, coro)
        return task


async def _survive_exit(coro: Coroutine[Any, Any, Any]) -> Any:
    """Await ``coro``; convert ``SystemExit``, for which asyncio would stop the whole loop."""
    try:
        return await coro
    except SystemExit:
        raise exit_error() from None


_factories: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Factory] = (
    weakref.WeakKeyDictionary()
)


@contextmanager
def tracked_tasks(track: Track) -> Iterator[None]:
    """Call ``track`` for each task that code in this context starts on the running loop."""
    loop = asyncio.get_running_loop()
    factory = _factories.get(loop)
    if factory is None:
        factory = _factories[loop] = _Factory(loop.get_task_factory())
        loop.set_task_factory(cast(Any, factory))
    factory.users += 1
    token = _track.set(track)
    try:
        yield
    finally:
        _track.reset(token)
        factory.users -= 1
        if factory.users == 0:
            _factories.pop(loop, None)
            if cast(object, loop.get_task_factory()) is factory:
                loop.set_task_factory(factory.inner)
