"""Read what a handler says it returns. Names that cannot be found mean that it says nothing."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from typing_extensions import Self

from inngest._internal.types import UNSET


def return_type(handler: Callable[..., object]) -> object:
    """Return the type that ``handler`` returns once awaited; ``UNSET`` if it does not say."""
    function = _function(handler)
    if function is None:
        return UNSET
    try:
        if not function.__annotations__:
            return UNSET
        annotation = inspect.get_annotations(function).get("return", UNSET)
        if isinstance(annotation, str):
            # A decorator with functools.wraps passes on strings, which its module cannot read.
            annotation = _resolved(inspect.unwrap(function), annotation)
    except Exception:  # a name that only the type checker knows, or any code in an annotation
        return UNSET
    if annotation is Self:
        bound = getattr(handler, "__self__", None)
        return UNSET if bound is None else type(bound)
    return _awaited(annotation)


def parameter_types(handler: Callable[..., object], count: int) -> list[object]:
    """Return the types of the first ``count`` positional arguments; ``UNSET`` where none is said."""
    found: list[object] = []
    function = _function(handler)
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for parameter in parameters:
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            break
        typ = UNSET if function is None else _parameter_type(function, parameter.annotation)
        is_rest = parameter.kind is parameter.VAR_POSITIONAL
        found += [typ] * (max(count - len(found), 0) if is_rest else 1)
    return [*found, *[UNSET] * count][:count]


def _parameter_type(function: types.FunctionType, annotation: object) -> object:
    if annotation is inspect.Parameter.empty:
        return UNSET
    try:
        if isinstance(annotation, str):
            annotation = _resolved(inspect.unwrap(function), annotation)
    except Exception:
        return UNSET
    return (
        types.NoneType
        if annotation is None
        else UNSET
        if isinstance(annotation, TypeVar)
        else annotation
    )


def _function(handler: Callable[..., object]) -> types.FunctionType | None:
    if isinstance(handler, types.FunctionType):
        return handler
    if isinstance(handler, type):
        return None
    while isinstance(handler, functools.partial):
        handler = handler.func
    if isinstance(handler, types.MethodType):
        handler = handler.__func__
    if not isinstance(handler, types.FunctionType):
        handler = getattr(type(handler), "__call__", handler)  # noqa: B004
    return handler if isinstance(handler, types.FunctionType) else None


def _resolved(function: types.FunctionType, annotation: str) -> object:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    captured = {name: cell.cell_contents for name, cell in cells if name in annotation}
    if captured:
        return _evaluated(annotation, function.__globals__, captured)
    return _evaluated_once(annotation, _Namespace(function.__globals__))


class _Namespace:
    """A module's names, as a key: two are the same when they are one dictionary."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Namespace) and other.names is self.names

    def __hash__(self) -> int:
        return id(self.names)


@functools.lru_cache(maxsize=1024)
def _evaluated_once(annotation: str, namespace: _Namespace) -> object:
    return _evaluated(annotation, namespace.names, {})


def _evaluated(annotation: str, names: dict[str, Any], captured: dict[str, Any]) -> object:
    holder = types.SimpleNamespace(__annotations__={"return": annotation})
    hints = typing.get_type_hints(holder, names, captured, include_extras=True)
    return hints["return"]


def _awaited(annotation: object) -> object:
    if typing.get_origin(annotation) in (Awaitable, Coroutine):
        annotation = typing.get_args(annotation)[-1]
    if annotation is None:
        return types.NoneType
    return UNSET if isinstance(annotation, TypeVar) else annotation


__all__ = ["parameter_types", "return_type"]
