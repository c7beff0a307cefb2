"""Timers of batches and debounces that are set later than their functions would set them. Pure.

A clock that was ahead leaves such timers, and so does a version of a function that waited longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from inngest.dev._internal.model.values import Function, Item


def hastened(functions: Iterable[Function], items: Iterable[Item], now: int) -> Iterator[Item]:
    """The timers to store in the place of those that are set too late."""
    latest: dict[tuple[str, str], int] = {}
    for function in functions:
        if function.options.batch is not None:
            latest["batch", function.id] = now + function.options.batch.timeout
        if function.options.debounce is not None:
            latest["debounce", function.id] = now + function.options.debounce.period
    for item in items:
        due = latest.get((item.kind, item.function_id), item.due)
        if item.due > due:
            yield replace(item, due=due)
