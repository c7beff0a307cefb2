"""Look whether anything is about to run on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

_UNKNOWN: Final = ("something, perhaps",)


def runnable_on(loop: asyncio.AbstractEventLoop) -> Collection[object]:
    """What is about to run on ``loop``, as it changes. Never empty where nobody can tell.

    Loops of asyncio keep it in an attribute that is not public. Others keep it elsewhere, such
    as uvloop, some with the attribute left behind.
    """
    if getattr(type(loop), "call_soon", None) is not asyncio.BaseEventLoop.call_soon:
        return _UNKNOWN
    ready: Collection[object] = getattr(loop, "_ready", _UNKNOWN)
    return ready


__all__ = ["runnable_on"]
