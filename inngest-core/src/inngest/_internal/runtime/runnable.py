"""Find out whether anything is ready to run on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

_UNKNOWN: Final = ("something, perhaps",)


def runnable_on(loop: asyncio.AbstractEventLoop) -> Collection[object]:
    """Return a live view of the callbacks ready to run on ``loop``; non-empty if unknown.

    asyncio's own loops keep them in a private attribute. Other loops, such as uvloop's, do not
    use it, although some inherit it.
    """
    if getattr(type(loop), "call_soon", None) is not asyncio.BaseEventLoop.call_soon:
        return _UNKNOWN
    ready: Collection[object] = getattr(loop, "_ready", _UNKNOWN)
    return ready


__all__ = ["runnable_on"]
