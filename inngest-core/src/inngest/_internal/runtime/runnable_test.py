from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from inngest._internal.runtime.runnable import runnable_on


class LaterLoop(asyncio.SelectorEventLoop):
    """Keeps ready callbacks elsewhere, as the loops of GUI toolkits do."""

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        return self.call_later(0, callback, *args, context=context)


def test_of_a_loop_of_asyncio_it_is_what_was_called_for() -> None:
    loop = asyncio.new_event_loop()
    try:
        runnable = runnable_on(loop)
        assert not runnable
        loop.call_soon(int)
        assert runnable
        loop.run_until_complete(asyncio.sleep(0))
        assert not runnable
    finally:
        loop.close()


def test_of_another_loop_nobody_can_tell() -> None:
    loop = LaterLoop()
    try:
        assert runnable_on(loop)
    finally:
        loop.close()
