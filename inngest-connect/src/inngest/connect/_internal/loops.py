"""Reach an event loop from another thread."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable


def call_on(
    loop: asyncio.AbstractEventLoop,
    call: Callable[..., object],
    *args: object,
    context: contextvars.Context | None = None,
) -> bool:
    """Have something called on a loop, from any thread. Whether the loop is still open."""
    try:
        loop.call_soon_threadsafe(call, *args, context=context)
    except RuntimeError:  # it has been closed
        return False
    return True
