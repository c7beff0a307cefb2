"""How much an evaluation may do: the engine waits for it, and events of others are in it. Pure."""

from __future__ import annotations

from typing import Any

CHARACTERS, ITEMS = 64, 8
"""How many of them are copied or compared in the time that one operation takes, at least."""


class CostlyError(Exception):
    """An evaluation that has done more than its budget allows."""


class Budget:
    """In operations, each of which takes some tenths of a microsecond."""

    def __init__(self, operations: int) -> None:
        self._left = operations

    def spend(self, operations: int) -> None:
        """:raises CostlyError: there is too little left."""
        self._left -= operations
        if self._left < 0:
            raise CostlyError

    def copy(self, *values: Any) -> None:
        """Spend what it takes to copy them, or to compare them, without what is in them."""
        for value in values:
            if isinstance(value, str | bytes):
                self.spend(len(value) // CHARACTERS)
            elif isinstance(value, list | dict):
                self.spend(len(value) // ITEMS)

    def go_through(self, value: Any) -> None:
        """Spend what it takes to go through all that is in it: parts may be in it many times."""
        self.copy(value)
        if isinstance(value, list | dict):
            self.spend(len(value))
            for each in value.values() if isinstance(value, dict) else value:
                self.go_through(each)
