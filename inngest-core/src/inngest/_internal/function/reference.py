"""Typed references to functions of other apps, whose code this app does not have."""

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
"""The data that a function may be called with."""
# Invariant, so that type checkers infer literals, such as `{}`, from the function's data type.
DataT = TypeVar("DataT", default=CallData)
ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)


class Invocable(ABC, Generic[T_co, DataT]):
    """What steps can call. ``DataT`` is the type of its data, ``T_co`` its result type."""

    @property
    @abstractmethod
    def codec_for_callers(self) -> Codec:
        """How callers decode its output."""

    @property
    @abstractmethod
    def takes_deferred_calls(self) -> bool:
        """Whether ``step.defer`` may call it, as far as this app knows."""

    @abstractmethod
    def id_within(self, app_id: str) -> str:
        """Return the id by which the server knows it, for a caller in the app ``app_id``."""


class FunctionReference(Invocable[T_co, DataT]):
    """A function that this code cannot import. Made by :func:`inngest.reference_function`.

    ``T_co`` is its result type, ``DataT`` the type of its data.
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
        """How callers decode the function's output."""
        return self._codec

    @property
    def takes_deferred_calls(self) -> bool:
        """Always true: only the other app knows its triggers."""
        return True

    @property
    def data(self) -> type[Any] | None:
        """The model of the function's data, or ``None``."""
        return self._data

    def id_within(self, app_id: str) -> str:
        """Return the id by which the server knows it, for a caller in the app ``app_id``."""
        return f"{self._app_id or app_id}-{self._function_id}"


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: type[T], data: type[ModelT]
) -> FunctionReference[T, ModelT]: ...


@overload
def reference_function(
    *, app_id: str | None = None, function_id: str, output_type: type[T], data: None = None
) -> FunctionReference[T]: ...


@overload  # such as a union, for which checkers infer T from the annotation of the variable
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
    """Declare a function of another app, or of code that cannot be imported, for ``step.invoke``.

    :param app_id: the function's app; by default that of the calling function.
    :param function_id: the function's id within its app.
    :param output_type: its result type; by default the result remains JSON. As a union is not a
        ``type``, annotate the variable with ``FunctionReference[A | B, Data]`` for type checkers.
    :param data: the pydantic model of its data; by default any mapping.
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
