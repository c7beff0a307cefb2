"""Real threads, where gevent has made all threads greenlets.

Greenlets share one thread of the system's, which can run one event loop: a loop of each
call's own needs a real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_idle: WeakKeyDictionary[Any, list[RealThread]] = WeakKeyDictionary()
"""Those that nobody uses, by the hub of the greenlets that may."""


def threads_are_greenlets() -> bool:
    """Whether gevent has had ``threading`` give greenlets instead of threads.

    Then only loops of the library's own can run side by side, not those of a framework.
    """
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class RealThread:
    """A thread that does one piece of work after another while other greenlets go on."""

    def __init__(self) -> None:
        pools: Any = importlib.import_module("gevent.threadpool")
        self._pool = pools.ThreadPool(1)

    @classmethod
    def take(cls) -> RealThread:
        """Return one that nobody else uses."""
        idle = _idle.get(_hub())
        return idle.pop() if idle else cls()

    def give_back(self) -> None:
        """Leave it to others. To end it is not safe while the process ends."""
        _idle.setdefault(_hub(), []).append(self)

    def do(self, work: Callable[[], None]) -> None:
        """Do work that raises nothing."""
        self._pool.apply(work)


def _hub() -> Any:
    hubs: Any = importlib.import_module("gevent")
    return hubs.get_hub()


__all__ = ["RealThread", "threads_are_greenlets"]
