"""Read the options of a function as apps write them: objects, or dictionaries of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from inngest._internal.model import BaseModel

T = TypeVar("T")


def read_option(kind: type[BaseModel], given: T) -> T:
    """Return ``given`` with an object in place of each dictionary.

    Type checkers ask for objects, and existing apps without one give dictionaries.

    :raises FunctionConfigInvalidError: a dictionary does not fit.
    """
    read: Any = given
    if isinstance(given, Mapping):
        read = kind(**given)
    elif isinstance(given, list):
        read = [read_option(kind, each) for each in given]
    return read  # type: ignore[no-any-return]


__all__ = ["read_option"]
