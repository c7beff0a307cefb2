"""Retries: when, and how many. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from inngest.dev._internal.function.registration import DEFAULT_RETRIES
from inngest.dev._internal.model.durations import MINUTE, SECOND
from inngest.dev._internal.model.values import Function, Item

BACKOFF = tuple(n * SECOND for n in (15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200))
"""Delays before the retries; the last one repeats."""
MAX_JITTER = MINUTE // 2

Delay = Callable[[int], int]
"""Returns the milliseconds to wait after the n-th (0-based) failed attempt."""


def exhausted(item: Item, function: Function | None) -> bool:
    """Return whether the failed attempt of `item` was the last one.

    A function that is not registered gets the default number of retries: a deploy in progress
    must not fail runs.
    """
    return item.attempt >= (function.max_attempts - 1 if function else DEFAULT_RETRIES)


def retried(item: Item, retry_after: int | None, delay: Delay, now: int) -> Item:
    """Return the item for the next attempt. `retry_after` is the delay that the app set, if any."""
    wait = delay(item.attempt) if retry_after is None else retry_after
    return replace(item, due=now + wait, attempt=item.attempt + 1, generation=item.generation + 1)
