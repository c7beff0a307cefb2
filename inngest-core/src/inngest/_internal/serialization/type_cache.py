"""Cache by type, distinguishing types that are equal but have different meanings."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

T = TypeVar("T")

ADAPTERS: Final = 512
"""The number of types whose adapters are cached."""


def cached_by_type(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """Cache the results of ``make``.

    ``A | B`` equals ``B | A``, but a value that is valid for both is read as the first.
    """

    @lru_cache(maxsize=ADAPTERS)
    def first_of_equals(typ: Any) -> tuple[Any, bool, T]:
        return typ, _has_union(typ), make(typ)

    @lru_cache(maxsize=ADAPTERS)
    def by_order(typ: Any, _order: tuple[object, ...]) -> T:
        return make(typ)

    def cached(typ: Any) -> T:
        try:
            hash(typ)
        except TypeError:  # Annotated with unhashable metadata
            return make(typ)
        first, has_union, made = first_of_equals(typ)
        if first is typ or not has_union:  # the common case
            return made
        return by_order(typ, _order_of(typ))

    return cached


def _has_union(typ: object) -> bool:
    is_union = typing.get_origin(typ) in (typing.Union, types.UnionType)
    return is_union or any(map(_has_union, typing.get_args(typ)))


def _order_of(typ: object) -> tuple[object, ...]:
    return tuple((each, _order_of(each)) for each in typing.get_args(typ))


__all__ = ["cached_by_type"]
