"""Functions of other apps, with types: what this code knows of them without their code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeAlias, overload

import pydantic
from typing_extensions import TypeVar

from inngest._internal.checks import is_text
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.serialization.codec import Codec
from inngest._internal.types import UNSET

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
CallData: TypeAlias = Mapping[str, object] | pydantic.BaseModel | None
"""What a function may be called with."""
# Invariant: so checkers read the data by what the function takes, `{}` too.
DataT = TypeVar("DataT", default=CallData)
ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)


class Invocable(ABC, Generic[T_co, DataT]):
    """What steps call: it takes ``DataT``, and returns ``T_co``."""

    @property
    @abstractmethod
    def codec_for_callers(self) -> Codec:
        """How its output is read by those who invoke it."""

    @property
    @abstractmethod
    def takes_deferred_calls(self) -> bool:
        """Whether ``step.defer`` may call it, as far as is known here."""

    @abstractmethod
    def id_within(self, app_id: str) -> str:
        """The id that the server knows, for a caller in the app ``app_id``."""


class FunctionReference(Invocable[T_co, DataT]):
    """A function that this code cannot import. Made by :func:`inngest.reference_function`.

    ``T_co`` is what it returns, ``DataT`` what it is called with.
    """

    def __init__(
        self, app_id: str | None, function_id: str, output_type: object, data: type[Any] | None
    ) -> None:
        self._app_id = app_id
        self._function_id = function_id
        self._codec = Codec(typ=output_type, is_declared=output_type is not UNSET)
        self._data = data

    def __repr__(self) -> str:
        return f"FunctionReference({self.id_within('<this app>')!r})"

    @property
    def codec_for_callers(self) -> Codec:
        """How the function's output is read."""
        return self._codec

    @property
    def takes_deferred_calls(self) -> bool:
        """Whether it does, its own app knows."""
        return True

    @property
    def data(self) -> type[Any] | None:
        """The model of what the function is called with."""
        return self._data

    def id_within(self, app_id: str) -> str:
        """The id that the server knows, for a caller in the app ``app_id``."""
        return f"{self._app_id or app_id}-{self._function_id}"


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: type[T], data: type[ModelT]
) -> FunctionReference[T, ModelT]: ...


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: type[T], data: None = None
) -> FunctionReference[T]: ...


@overload  # a union, say: the annotation of what it is assigned to tells checkers which
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: object, data: type[ModelT]
) -> FunctionReference[T, ModelT]: ...  # pyright: ignore[reportInvalidTypeVarUse]


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: object, data: None = None
) -> FunctionReference[T]: ...  # pyright: ignore[reportInvalidTypeVarUse]


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, data: type[ModelT]
) -> FunctionReference[object, ModelT]: ...


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, data: None = None
) -> FunctionReference[object]: ...


def reference_function(
    *,
    app_id: str | None = None,
    function_id: str,
    output_type: object = UNSET,
    data: type[Any] | None = None,
) -> FunctionReference[Any, Any]:
    """Describe a function of another app, or of other code, for ``step.invoke``.

    :param app_id: the app of the function; by default that of the function which calls it.
    :param function_id: the function's id within its app.
    :param output_type: what it returns; without it, JSON as it is. To type checkers a union is
        no ``type``: annotate the variable with ``FunctionReference[A | B, Data]``.
    :param data: the pydantic model of what it is called with; without it, any mapping.
    :raises FunctionConfigInvalidError: an id is empty, or ``data`` is not a model.
    """
    for field, text in (("app_id", app_id), ("function_id", function_id)):
        if text is not None and not is_text(text):
            raise FunctionConfigInvalidError(f"{field}: must be a string, and not empty")
    if data is not None and not _is_model(data):
        raise FunctionConfigInvalidError("data: must be a class derived from pydantic.BaseModel")
    return FunctionReference(app_id, function_id, output_type, data)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, pydantic.BaseModel)


__all__ = ["CallData", "FunctionReference", "Invocable", "reference_function"]
