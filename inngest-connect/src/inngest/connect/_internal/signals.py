"""Signals that end a worker: taken while it runs, given back afterwards, never before."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

DEFAULT = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def shutdown_signals(
    signals: Sequence[signal.Signals], *, close: Callable[[], None], abort: Callable[[], None]
) -> Iterator[None]:
    """Call ``close`` on the first of the signals, and ``abort`` on the next ones.

    Only the main thread can take signals: elsewhere nothing is taken.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        (close if len(came) == 1 else abort)()

    before: dict[signal.Signals, Any] = {}
    try:
        for one in signals:
            before[one] = signal.signal(one, handle)
        yield
    finally:
        for one, handler in before.items():
            # What somebody else has installed meanwhile, and handlers in C, stay as they are.
            if signal.getsignal(one) is handle and handler is not None:
                signal.signal(one, handler)
