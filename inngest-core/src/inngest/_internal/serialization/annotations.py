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
    function = handler if type(handler) is types.FunctionType else _function(handler)
    if function is None:
        return UNSET
    try:
        annotation = function.__annotations__.get("return", UNSET)
        if isinstance(annotation, str):
            # A decorator with functools.wraps passes on strings, which its module cannot read.
            if "__wrapped__" in function.__dict__:
                function = inspect.unwrap(function)
            return _resolved(function, annotation, handler)
    except Exception:  # a name that only the type checker knows, or any code in an annotation
        return UNSET
    return annotation if annotation is UNSET else _returned(annotation, handler)


def _function(handler: Callable[..., object]) -> types.FunctionType | None:
    if isinstance(handler, type):
        return None
    while isinstance(handler, functools.partial):
        handler = handler.func
    if isinstance(handler, types.MethodType):
        handler = handler.__func__
    if not isinstance(handler, types.FunctionType):
        handler = getattr(type(handler), "__call__", handler)  # noqa: B004
    return handler if isinstance(handler, types.FunctionType) else None


def _resolved(
    function: types.FunctionType, annotation: str, handler: Callable[..., object]
) -> object:
    names = function.__globals__
    if function.__closure__:
        cells = zip(function.__code__.co_freevars, function.__closure__, strict=True)
        captured = {name: cell.cell_contents for name, cell in cells if name in annotation}
        if captured:
            return _returned(_evaluated(annotation, names, captured), handler)
    key = (annotation, id(names))
    known = _resolved_once.get(key)
    if known is None:
        if len(_resolved_once) >= MAX_RESOLVED:
            _resolved_once.clear()
        # With the names themselves: as long as they live, nothing else has their id.
        known = _resolved_once[key] = (_evaluated(annotation, names, {}), names)
    return _returned(known[0], handler)


MAX_RESOLVED = 1024
_resolved_once: dict[tuple[str, int], tuple[object, dict[str, Any]]] = {}
"""What an annotation means in the module with these names: a replay asks for every step."""


def _evaluated(annotation: str, names: dict[str, Any], captured: dict[str, Any]) -> object:
    holder = types.SimpleNamespace(__annotations__={"return": annotation})
    hints = typing.get_type_hints(holder, names, captured, include_extras=True)
    return hints["return"]


def _returned(annotation: object, handler: Callable[..., object]) -> object:
    if isinstance(annotation, type) and type(annotation) is type:  # nearly always
        return annotation
    if annotation is Self:
        bound = getattr(handler, "__self__", None)
        return UNSET if bound is None else type(bound)
    if typing.get_origin(annotation) in (Awaitable, Coroutine):
        annotation = typing.get_args(annotation)[-1]
    if annotation is None:
        return types.NoneType
    return UNSET if isinstance(annotation, TypeVar) else annotation


__all__ = ["return_type"]
