"""Handle shutdown signals while workers run, and restore the previous handlers afterwards.

A process has one handler per signal, but may run several workers: a signal reaches all of them.

The kernel ignores signals with a default action for the first process of a container (PID 1).
There, the default action is emulated by exiting.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

DEFAULT = (signal.SIGINT, signal.SIGTERM)
_INIT_PID: Final = 1
"""The PID of the first process of a machine or container."""
_SIGNAL_STATUS: Final = 128
"""Shells report this number plus the signal's as the status of a killed process."""


@dataclass(eq=False, slots=True)
class _Worker:
    close: Callable[[], None]
    abort: Callable[[], None]
    pid: int = field(default_factory=os.getpid)
    received: list[int] = field(default_factory=list)

    @property
    def is_aborted(self) -> bool:
        return len(self.received) > 1

    def handle(self, number: int) -> None:
        self.received.append(number)
        if self.is_aborted:
            self.abort()
        else:
            self.close()


_workers: dict[int, list[_Worker]] = {}
"""The running workers, by signal number."""
_previous: dict[int, Any] = {}
"""The previous handlers, by signal number."""


@contextmanager
def shutdown_signals(
    signals: Sequence[signal.Signals], *, close: Callable[[], None], abort: Callable[[], None]
) -> Iterator[None]:
    """Call ``close`` on the first of the signals, and ``abort`` on the second.

    The second one also restores the previous handlers, so that another one ends the process even
    if user code hangs, and it is raised again when the last worker's block ends. In a forked
    child, where no worker runs, signals go to the previous handlers.

    Does nothing unless called on the main thread, the only one that can install handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    worker, numbers = _Worker(close, abort), set(signals)
    try:
        for number in numbers:
            _install(number, worker)
        yield
    finally:
        for number in numbers:
            _remove(number, worker)
        if worker.is_aborted and not _running(worker.received[-1]):
            _raise_again(worker.received[-1])


def _install(number: int, worker: _Worker) -> None:
    _workers[number] = [*_running(number), worker]
    if signal.getsignal(number) is not _handle:
        _previous[number] = signal.signal(number, _handle)


def _remove(number: int, worker: _Worker) -> None:
    _workers[number] = [one for one in _running(number) if one is not worker]
    if not _workers[number]:
        _restore(number)


def _running(number: int) -> list[_Worker]:
    """Return the running workers of this process, without those inherited in a fork."""
    return [one for one in _workers.get(number, ()) if one.pid == os.getpid()]


def _handle(number: int, _frame: FrameType | None) -> None:
    found = _running(number)
    for worker in found:
        worker.handle(number)
    for one in list(_workers):
        if all(worker.is_aborted for worker in _running(one)):
            _restore(one)
    if not found and signal.getsignal(number) is not _handle:
        _raise_again(number)


def _restore(number: int) -> None:
    previous: Any = _previous.get(number)
    # Keep a handler that was installed meanwhile. One in C (None) cannot be restored.
    if previous is not None and signal.getsignal(number) in (_handle, _exit):
        is_stuck = bool(_running(number)) and _is_ignored_default(previous)
        signal.signal(number, _exit if is_stuck else previous)


def _raise_again(number: int) -> None:
    previous = signal.getsignal(number)
    signal.raise_signal(number)
    if _is_ignored_default(previous):
        _exit(number, None)


def _is_ignored_default(handler: object) -> bool:
    return handler is signal.SIG_DFL and os.getpid() == _INIT_PID


def _exit(number: int, _frame: FrameType | None) -> None:
    os._exit(_SIGNAL_STATUS + number)
