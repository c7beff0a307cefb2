"""Accept a function's options as objects or as dictionaries of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from inngest._internal.model import BaseModel

T = TypeVar("T")


def read_option(kind: type[BaseModel], given: T) -> T:
    """Return ``given`` with each dictionary converted to a ``kind``.

    Type checkers require objects, but existing apps that use none pass dictionaries.

    :raises FunctionConfigInvalidError: a dictionary is invalid.
    """
    converted: Any = given
    if isinstance(given, Mapping):
        converted = kind(**given)
    elif isinstance(given, list):
        converted = [read_option(kind, each) for each in given]
    return converted  # type: ignore[no-any-return]


__all__ = ["read_option"]
