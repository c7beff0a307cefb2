"""Bring forward timers of batches and debounces that were set too late. Pure.

A clock that was ahead, or a previous version of the function with a longer timeout, leaves
timers that are later than any that the function would set now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from inngest.dev._internal.model.values import Function, Item


def brought_forward(
    functions: Iterable[Function], items: Iterable[Item], now: int
) -> Iterator[Item]:
    """Yield each timer that is too late, due when the function would set it now.

    :param items: timers of batches and debounces of these functions.
    """
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
