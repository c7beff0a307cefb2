from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import pytest

from inngest._internal.serialization.annotations import parameter_types
from inngest._internal.types import UNSET

T = TypeVar("T")


class Model:
    def method(self, text: str, count: int = 1) -> None: ...

    @classmethod
    def made(cls, text: str) -> None: ...

    def __call__(self, text: str) -> None: ...


def plain(text: str, count, nothing: None) -> None:  # type: ignore[no-untyped-def]
    ...


def rest(text: str, *more: int, key: bytes = b"") -> None: ...


def keyed(text: str, *, key: bytes = b"") -> None: ...


def generic(value: T) -> T:
    return value


def unknown(value: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821


@functools.wraps(plain)
def wrapped(*args: object) -> None: ...


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (plain, [str, UNSET, type(None)]),
        (rest, [str, int, int]),
        (keyed, [str, UNSET, UNSET]),
        (generic, [UNSET, UNSET, UNSET]),
        (unknown, [UNSET, UNSET, UNSET]),
        (wrapped, [str, UNSET, type(None)]),
        (Model().method, [str, int, UNSET]),
        (Model.made, [str, UNSET, UNSET]),
        (Model(), [str, UNSET, UNSET]),
        (functools.partial(Model.method, Model(), "a"), [int, UNSET, UNSET]),
        (lambda x: x, [UNSET, UNSET, UNSET]),
        (max, [UNSET, UNSET, UNSET]),
    ],
)
def test_the_types_of_arguments(handler: Callable[..., object], expected: list[object]) -> None:
    assert parameter_types(handler, 3) == expected
    assert parameter_types(handler, 1) == expected[:1]
    assert parameter_types(handler, 0) == []


def test_a_name_of_the_functions_surroundings_is_found() -> None:
    class Local: ...

    def handler(value: Local) -> bool:
        return isinstance(value, Local)

    assert parameter_types(handler, 1) == [Local]
