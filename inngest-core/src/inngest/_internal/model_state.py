"""Lazy defaults for the state that pydantic keeps in each model besides its fields.

Pydantic fills three slots of every instance, but few events ever need them, and events are
created in large numbers. These descriptors shadow the slots and interpret an empty one.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, Final

import pydantic


def _slot(name: str) -> Any:
    return vars(pydantic.BaseModel)[name]


write_fields: Final[Callable[[pydantic.BaseModel, dict[str, Any]], None]] = _slot(
    "__dict__"
).__set__
"""Replace a model's ``__dict__``: faster than pydantic's setters and than updating the old one."""

read_fields_set: Final[Callable[[pydantic.BaseModel], AbstractSet[str]]] = _slot(
    "__pydantic_fields_set__"
).__get__
"""Return the names of the fields that were given. The set must not be modified."""

write_fields_set: Final[Callable[[pydantic.BaseModel, AbstractSet[str]], None]] = _slot(
    "__pydantic_fields_set__"
).__set__
"""Set the names of the fields that were given. Anything but a ``set`` may be shared by models."""


class FieldsSet:
    """``__pydantic_fields_set__``: copied to a ``set`` of the model's own on first access."""

    def __get__(
        self, model: pydantic.BaseModel | None, owner: object = None
    ) -> AbstractSet[str] | FieldsSet:
        if model is None:
            return self
        fields_set = read_fields_set(model)
        if type(fields_set) is not set:
            fields_set = set(fields_set)
            write_fields_set(model, fields_set)
        return fields_set

    def __set__(self, model: pydantic.BaseModel, fields_set: AbstractSet[str]) -> None:
        write_fields_set(model, fields_set)


class NoneUntilSet:
    """A slot that is ``None`` for nearly all models, and is left empty then."""

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


__all__ = ["FieldsSet", "NoneUntilSet", "read_fields_set", "write_fields", "write_fields_set"]
