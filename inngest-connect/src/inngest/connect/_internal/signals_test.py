from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from inngest.connect._internal import signals
from inngest.connect._internal.signals import shutdown_signals

USER = getattr(signal, "SIGUSR1", signal.SIGTERM)


@pytest.fixture
def came() -> Iterator[list[str]]:
    """A log of what happens, including the signals that reach the app's handler."""
    noted: list[str] = []
    before = signal.signal(USER, lambda _number, _frame: noted.append("the app's"))
    yield noted
    signal.signal(USER, before)


def test_the_first_signal_closes(came: list[str]) -> None:
    with shutdown_signals([USER], close=lambda: came.append("close"), abort=lambda: None):
        signal.raise_signal(USER)
    assert came == ["close"]
    signal.raise_signal(USER)
    assert came == ["close", "the app's"]


def test_the_second_signal_aborts_and_is_raised_again_at_the_end(came: list[str]) -> None:
    with shutdown_signals(
        [USER], close=lambda: came.append("close"), abort=lambda: came.append("abort")
    ):
        signal.raise_signal(USER)
        signal.raise_signal(USER)
        assert came == ["close", "abort"]
        signal.raise_signal(USER)  # user code hangs: the previous handler is active again
        assert came == ["close", "abort", "the app's"]
    assert came == ["close", "abort", "the app's", "the app's"]


@pytest.mark.parametrize("first", [0, 1])
def test_a_signal_reaches_all_workers_and_the_last_restores_the_handler(
    came: list[str], first: int
) -> None:
    workers = [
        shutdown_signals([USER], close=partial(came.append, f"close {n}"), abort=lambda: None)
        for n in range(2)
    ]
    for worker in workers:
        worker.__enter__()
    signal.raise_signal(USER)
    assert sorted(came) == ["close 0", "close 1"]
    workers[first].__exit__(None, None, None)
    workers[1 - first].__exit__(None, None, None)
    signal.raise_signal(USER)
    assert came[2:] == ["the app's"]


def test_a_worker_that_is_aborted_does_not_end_the_other_one(came: list[str]) -> None:
    first, second = (
        shutdown_signals([USER], close=partial(came.append, f"close {n}"), abort=lambda: None)
        for n in range(2)
    )
    with second:
        first.__enter__()
        signal.raise_signal(USER)
        signal.raise_signal(USER)
        first.__exit__(None, None, None)
        assert "the app's" not in came
    assert came[2:] == ["the app's"]


def test_signals_in_a_forked_child_go_to_the_previous_handler(
    came: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with shutdown_signals([USER], close=lambda: came.append("close"), abort=lambda: None):
        monkeypatch.setattr(os, "getpid", lambda: -1)
        signal.raise_signal(USER)
    assert came == ["the app's"]


def test_the_default_action_is_emulated_for_pid_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGURG is ignored by default, as all signals are in such a process."""
    ended: list[int] = []
    monkeypatch.setattr(signals, "_INIT_PID", os.getpid())
    monkeypatch.setattr(os, "_exit", ended.append)
    number = signal.SIGURG
    before = signal.getsignal(number)
    assert before is signal.SIG_DFL
    with shutdown_signals([number], close=lambda: None, abort=lambda: None):
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert ended == []
        signal.raise_signal(number)  # user code hangs
        assert ended == [128 + number]
    assert ended == [128 + number] * 2
    assert signal.getsignal(number) is before
