"""Signals that end a worker: taken while it runs, given back afterwards, never before."""

from __future__ import annotations

import os
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
    """Call ``close`` on the first of the signals, and ``abort`` on the second.

    The second one then goes to whoever had it before, by default the end of the process: a
    thread that is stuck in the user's code keeps nobody waiting. So does one that reaches a
    forked child, whose worker this is not.

    Only the main thread can take signals: elsewhere nothing is taken.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before: dict[signal.Signals, Any] = {}
    owner = os.getpid()

    def handle(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:
            give_back()
            signal.raise_signal(number)
            return
        came.append(number)
        if len(came) == 1:
            close()
        else:
            give_back()
            abort()

    def give_back() -> None:
        for one, handler in before.items():
            # What somebody else has installed meanwhile, and handlers in C, stay as they are.
            if signal.getsignal(one) is handle and handler is not None:
                signal.signal(one, handler)

    try:
        for one in signals:
            before[one] = signal.signal(one, handle)
        yield
    finally:
        give_back()
        if len(came) > 1:
            signal.raise_signal(came[-1])
