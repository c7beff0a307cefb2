"""Real threads, where gevent has made all threads greenlets.

Greenlets share one thread of the system's, which can run one event loop: a loop of each
call's own needs a real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def are_threads() -> bool:
    """Whether ``threading`` gives greenlets instead of threads."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class RealThread:
    """A thread that does one piece of work after another while other greenlets go on."""

    def __init__(self) -> None:
        self._pool = importlib.import_module("gevent.threadpool").ThreadPool(1)

    def do(self, work: Callable[[], None]) -> None:
        """Do work that raises nothing."""
        self._pool.apply(work)

    def close(self) -> None:
        """Let the thread end."""
        self._pool.kill()


__all__ = ["RealThread", "are_threads"]
