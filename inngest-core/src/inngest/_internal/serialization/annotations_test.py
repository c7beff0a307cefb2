from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, TypeVar

import pytest

from inngest._internal.serialization.annotations import parameter_types, return_type, signature
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


def test_text_within_an_annotation_names_types_too() -> None:
    many: object = list["Model"]  # what an annotation is without the import from __future__
    options: object = Optional["Model"]
    tagged: object = Annotated[Optional["Model"], "of the shop"]
    for given, meant in (
        (many, list[Model]),
        (options, Optional[Model]),  # noqa: UP045
        (tagged, Annotated[Optional[Model], "of the shop"]),  # noqa: UP045
        (Literal["Model"], Literal["Model"]),
        (Annotated[int, "Model"], Annotated[int, "Model"]),
        (list["Missing"], UNSET),  # type: ignore[name-defined] # noqa: F821
    ):
        plain_handler = types.FunctionType(unknown.__code__, globals(), "named")
        plain_handler.__annotations__ = {"value": given, "return": given}
        assert return_type(plain_handler) == meant
        assert parameter_types(plain_handler, 1) == [meant]


LAZY = """
def order(ctx: OnlyForTheChecker, first: Later) -> Later: ...
def lost(value: Later) -> OnlyForTheChecker: ...
def partly(value: list[OnlyForTheChecker]) -> Later | OnlyForTheChecker: ...
class Later: ...
"""
"""Python 3.14 evaluates annotations when they are asked for; before, an import had to ask for that."""


def test_an_annotation_that_has_no_meaning_hides_no_other() -> None:
    names: dict[str, Any] = {}
    by_import = "" if sys.version_info >= (3, 14) else "from __future__ import annotations"
    exec(compile(by_import + LAZY, "app.py", "exec", dont_inherit=True), names)
    later = names["Later"]
    assert return_type(names["order"]) is later
    assert parameter_types(names["order"], 2) == [UNSET, later]
    assert return_type(names["lost"]) is UNSET
    assert parameter_types(names["lost"], 1) == [later]
    assert return_type(names["partly"]) is UNSET
    assert parameter_types(names["partly"], 1) == [UNSET]
    assert list(signature(names["order"]).parameters) == ["ctx", "first"]


REDEFINED = """
from __future__ import annotations
class Order: ...
def one() -> Order: ...
def many() -> list[Order]: ...
"""


def test_a_class_that_is_defined_again_is_the_one_that_is_meant() -> None:
    """For example, by rerunning a notebook cell, or with ``importlib.reload``."""
    names: dict[str, Any] = {}
    for _ in range(2):
        exec(compile(REDEFINED, "app.py", "exec", dont_inherit=True), names)
        assert return_type(names["one"]) is names["Order"]
        assert return_type(names["many"]) == types.GenericAlias(list, names["Order"])


def test_a_name_that_comes_to_hide_a_builtin_is_the_one_that_is_meant() -> None:
    names: dict[str, Any] = {}
    source = "from __future__ import annotations\ndef one() -> int: ..."
    exec(compile(source, "app.py", "exec", dont_inherit=True), names)
    assert return_type(names["one"]) is int
    names["int"] = Model
    assert return_type(names["one"]) is Model


def test_a_variable_without_a_value_hides_no_type_whose_name_holds_its_own() -> None:
    def handler() -> Model:
        made: Model = Mod
        return made

    assert return_type(handler) is Model
    Mod: Any = None  # noqa: N806
