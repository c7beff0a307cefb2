"""Native threads, for use where gevent has replaced all threads with greenlets.

Greenlets share one native thread, which can run only one event loop at a time. An event loop
for each call therefore needs a native thread.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_idle: WeakKeyDictionary[Any, list[RealThread]] = WeakKeyDictionary()
"""Unused threads, by the gevent hub whose greenlets may use them."""


def threads_are_greenlets() -> bool:
    """Return whether gevent has patched ``threading`` to use greenlets.

    Then several event loops can run at a time only if this library creates them.
    """
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class RealThread:
    """A native thread that does one piece of work at a time while other greenlets run."""

    def __init__(self) -> None:
        pools: Any = importlib.import_module("gevent.threadpool")
        self._pool = pools.ThreadPool(1)

    @classmethod
    def take(cls) -> RealThread:
        """Return an unused thread; create one if there is none."""
        idle = _idle.get(_hub())
        return idle.pop() if idle else cls()

    def give_back(self) -> None:
        """Release the thread for reuse. It is never ended: that is unsafe at interpreter exit."""
        _idle.setdefault(_hub(), []).append(self)

    def do(self, work: Callable[[], None]) -> None:
        """Run ``work``, which must not raise, and wait for its end."""
        self._pool.apply(work)


def _hub() -> Any:
    hubs: Any = importlib.import_module("gevent")
    return hubs.get_hub()


__all__ = ["RealThread", "threads_are_greenlets"]
