"""Signals that end workers: taken while one runs, given back afterwards, never before.

A process has one handler for a signal, and may run several workers: all that run are told.

The first process of a container has no defaults: the system keeps from it every signal that it
has no handler for, so what would end another process is done here.
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
_FIRST: Final = 1
"""The number of the first process of a machine or a container."""
_BY_SIGNAL: Final = 128
"""What shells add to a signal's number for the status of a process that it ended."""


@dataclass(eq=False, slots=True)
class _Worker:
    close: Callable[[], None]
    abort: Callable[[], None]
    pid: int = field(default_factory=os.getpid)
    came: list[int] = field(default_factory=list)

    @property
    def is_aborted(self) -> bool:
        return len(self.came) > 1

    def hear(self, number: int) -> None:
        self.came.append(number)
        if self.is_aborted:
            self.abort()
        else:
            self.close()


_workers: dict[int, list[_Worker]] = {}
"""Those that run, by the signals that end them."""
_before: dict[int, Any] = {}
"""Who had a signal before."""


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
    worker, numbers = _Worker(close, abort), set(signals)
    try:
        for number in numbers:
            _take(number, worker)
        yield
    finally:
        for number in numbers:
            _leave(number, worker)
        if worker.is_aborted and not _running(worker.came[-1]):
            _pass_on(worker.came[-1])


def _take(number: int, worker: _Worker) -> None:
    _workers[number] = [*_running(number), worker]
    if signal.getsignal(number) is not _handle:
        _before[number] = signal.signal(number, _handle)


def _leave(number: int, worker: _Worker) -> None:
    _workers[number] = [one for one in _running(number) if one is not worker]
    if not _workers[number]:
        _give_back(number)


def _running(number: int) -> list[_Worker]:
    """Workers of this process, not of one that it was forked from."""
    return [one for one in _workers.get(number, ()) if one.pid == os.getpid()]


def _handle(number: int, _frame: FrameType | None) -> None:
    found = _running(number)
    for worker in found:
        worker.hear(number)
    for one in list(_workers):
        if all(worker.is_aborted for worker in _running(one)):
            _give_back(one)
    if not found and signal.getsignal(number) is not _handle:
        _pass_on(number)


def _give_back(number: int) -> None:
    before: Any = _before.get(number)
    # What somebody else has installed meanwhile, and handlers in C, stay as they are.
    if before is not None and signal.getsignal(number) in (_handle, _end):
        is_stuck = bool(_running(number)) and _is_ignored(before)
        signal.signal(number, _end if is_stuck else before)


def _pass_on(number: int) -> None:
    before = signal.getsignal(number)
    signal.raise_signal(number)
    if _is_ignored(before):
        _end(number, None)


def _is_ignored(handler: object) -> bool:
    return handler is signal.SIG_DFL and os.getpid() == _FIRST


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(_BY_SIGNAL + number)
