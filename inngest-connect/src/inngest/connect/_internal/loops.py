"""Call functions on an event loop from other threads."""

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
    """Schedule a call on a loop, from any thread. Return ``False`` if the loop is closed."""
    try:
        loop.call_soon_threadsafe(call, *args, context=context)
    except RuntimeError:  # the loop is closed
        return False
    return True
