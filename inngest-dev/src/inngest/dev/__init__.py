"""Embedded Inngest engine: a protocol-compatible local server for development and tests.

Names are imported when they are asked for: an app that has this wheel installed imports the
package to find its command, and must not pay for a server that it does not run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest.dev._internal.clock import Clock, RealClock, VirtualClock
    from inngest.dev._internal.drivers.contracts import Driver
    from inngest.dev._internal.drivers.in_process import InProcessDriver
    from inngest.dev._internal.running.engine import Engine
    from inngest.dev._internal.server import DevServer
    from inngest.dev._internal.store.schema import UnusableDatabaseError

_HOMES = {
    "Clock": "_internal.clock",
    "DevServer": "_internal.server",
    "Driver": "_internal.drivers.contracts",
    "Engine": "_internal.running.engine",
    "InProcessDriver": "_internal.drivers.in_process",
    "RealClock": "_internal.clock",
    "UnusableDatabaseError": "_internal.store.schema",
    "VirtualClock": "_internal.clock",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


__all__ = [
    "Clock",
    "DevServer",
    "Driver",
    "Engine",
    "InProcessDriver",
    "RealClock",
    "UnusableDatabaseError",
    "VirtualClock",
]
