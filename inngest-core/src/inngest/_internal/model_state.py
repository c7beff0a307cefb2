"""What pydantic keeps of a model beside its fields, at no cost until it is asked for.

Events are made by the thousand, and hardly ever asked. Models fill three slots when they are
made; these descriptors stand before the slots and know what an empty one means.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, Final

import pydantic


def _slot(name: str) -> Any:
    return vars(pydantic.BaseModel)[name]


set_fields: Final[Callable[[pydantic.BaseModel, dict[str, Any]], None]] = _slot("__dict__").__set__
"""Hand over the fields, all at once: pydantic, or a dictionary that is there, takes longer."""

given_of: Final[Callable[[pydantic.BaseModel], AbstractSet[str]]] = _slot(
    "__pydantic_fields_set__"
).__get__
"""The names of the fields that were given, for reading only."""

set_given: Final[Callable[[pydantic.BaseModel, AbstractSet[str]], None]] = _slot(
    "__pydantic_fields_set__"
).__set__
"""Note the names of the fields that were given; any but a ``set`` may be that of many models."""


class Given:
    """``__pydantic_fields_set__``: a set of the model's own as soon as somebody could change it."""

    def __get__(
        self, model: pydantic.BaseModel | None, owner: object = None
    ) -> AbstractSet[str] | Given:
        if model is None:
            return self
        given = given_of(model)
        if type(given) is not set:
            given = set(given)
            set_given(model, given)
        return given

    def __set__(self, model: pydantic.BaseModel, given: AbstractSet[str]) -> None:
        set_given(model, given)


class NoneUntilSet:
    """A slot that is ``None`` of nearly all models, which therefore leave it empty."""

    def __init__(self, name: str) -> None:
        self._slot = _slot(name)

    def __get__(self, model: pydantic.BaseModel | None, owner: object = None) -> object:
        if model is None:
            return self
        try:
            return self._slot.__get__(model)
        except AttributeError:
            return None

    def __set__(self, model: pydantic.BaseModel, value: object) -> None:
        self._slot.__set__(model, value)


__all__ = ["Given", "NoneUntilSet", "given_of", "set_fields", "set_given"]
