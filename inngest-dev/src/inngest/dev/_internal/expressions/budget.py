"""How much an evaluation may do. Pure.

The engine does nothing else meanwhile, and an expression may be costly on an event from outside.
"""

from __future__ import annotations

from typing import Any

CHARACTERS, ITEMS = 64, 8
"""At least so many are copied, or compared, in the time of one operation."""


class CostlyError(Exception):
    """An evaluation has used up its budget."""


class Budget:
    """What is left of an evaluation's operations. Each takes some tenths of a microsecond."""

    def __init__(self, operations: int) -> None:
        self._left = operations

    def spend(self, operations: int) -> None:
        """:raises CostlyError: there is too little left."""
        self._left -= operations
        if self._left < 0:
            raise CostlyError

    def copy(self, *values: Any) -> None:
        """Spend what it takes to copy, or compare, these values, without the values in them."""
        for value in values:
            if isinstance(value, str | bytes):
                self.spend(len(value) // CHARACTERS)
            elif isinstance(value, list | dict):
                self.spend(len(value) // ITEMS)

    def go_through(self, value: Any) -> None:
        """Spend what it takes to visit all values in it. A value may be in it many times."""
        self.copy(value)
        if isinstance(value, list | dict):
            self.spend(len(value))
            for each in value.values() if isinstance(value, dict) else value:
                self.go_through(each)
