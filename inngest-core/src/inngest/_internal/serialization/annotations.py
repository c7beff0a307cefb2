"""Evaluate the annotations of handlers. A name that cannot be resolved counts as no annotation."""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Annotated, Any, ForwardRef, Literal, TypeVar

from typing_extensions import Self

from inngest._internal.types import UNSET

if sys.version_info >= (3, 14):
    import annotationlib


def return_type(handler: Callable[..., object]) -> object:
    """Return the type of ``handler``'s result once awaited; ``UNSET`` if it is not annotated."""
    function = handler if type(handler) is types.FunctionType else _function(handler)
    if function is None:
        return UNSET
    try:
        annotation = _annotations(function).get("return", UNSET)
        return UNSET if annotation is UNSET else _type(function, annotation, handler)
    except Exception:  # names imported only for type checkers; arbitrary code in annotations
        return UNSET


def parameter_types(handler: Callable[..., object], count: int) -> list[object]:
    """Return the types of the first ``count`` positional arguments; ``UNSET`` if not annotated."""
    found: list[object] = []
    function = _function(handler)
    try:
        parameters = list(signature(handler).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for parameter in parameters:
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            break
        typ = (
            UNSET if function is None else _parameter_type(function, parameter.annotation, handler)
        )
        is_rest = parameter.kind is parameter.VAR_POSITIONAL
        found += [typ] * (max(count - len(found), 0) if is_rest else 1)
    return [*found, *[UNSET] * count][:count]


def _parameter_type(
    function: types.FunctionType, annotation: object, handler: Callable[..., object]
) -> object:
    if annotation is inspect.Parameter.empty:
        return UNSET
    try:
        return _type(function, annotation, handler)
    except Exception:
        return UNSET


def signature(call: Callable[..., Any], *, follow_wrapped: bool = True) -> inspect.Signature:
    """Return the signature of ``call``, even if its annotations cannot be evaluated.

    :raises TypeError, ValueError: as ``inspect.signature`` does.
    """
    if sys.version_info >= (3, 14):
        form = annotationlib.Format.FORWARDREF
        return inspect.signature(call, follow_wrapped=follow_wrapped, annotation_format=form)
    return inspect.signature(call, follow_wrapped=follow_wrapped)


def _annotations(function: types.FunctionType) -> Mapping[str, object]:
    if sys.version_info >= (3, 14):
        # Accessing __annotations__ evaluates all of them; one failure must not affect the others.
        try:
            return function.__annotations__
        except Exception:
            return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return function.__annotations__


def _type(
    function: types.FunctionType, annotation: object, handler: Callable[..., object]
) -> object:
    if type(annotation) is not str and not _is_quoted(annotation):
        return _normalize(annotation, handler)
    # functools.wraps copies annotations that are strings, to be evaluated in the original module.
    if hasattr(function, "__wrapped__"):
        function = inspect.unwrap(function)
    cells = function.__closure__
    captured = None if cells is None else _closure_variables(function, cells, str(annotation))
    if isinstance(annotation, str) and not captured:
        return _normalize(_evaluate_cached(annotation, function.__globals__), handler)
    evaluated = _evaluate(_with_forward_refs(annotation), function.__globals__, captured)
    return UNSET if _is_quoted(evaluated) else _normalize(evaluated, handler)


def _is_quoted(annotation: object) -> bool:
    """Return whether an annotation contains a string that names a type."""
    if type(annotation) is type:  # the common case
        return False
    if isinstance(annotation, (str, ForwardRef)):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return False
    return any(map(_is_quoted, arguments[:1] if origin is Annotated else arguments))


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


def _closure_variables(
    function: types.FunctionType, cells: tuple[types.CellType, ...], text: str
) -> dict[str, Any]:
    """Return the values of the closure variables whose names occur in ``text``."""
    found: dict[str, Any] = {}
    for number, name in enumerate(function.__code__.co_freevars):
        if name in text:
            with suppress(ValueError):  # an empty cell
                found[name] = cells[number].cell_contents
    return found


def _with_forward_refs(annotation: object) -> object:
    """Replace strings in ``list[...]`` with forward references, for Python 3.10."""
    if type(annotation) is not types.GenericAlias:
        return annotation
    origin: Any = typing.get_origin(annotation)
    arguments = (
        ForwardRef(each) if isinstance(each, str) else _with_forward_refs(each)
        for each in typing.get_args(annotation)
    )
    return origin[tuple(arguments)]


MAX_EVALUATED = 1024
_evaluations: dict[tuple[str, int], tuple[object, dict[str, Any], dict[str, object]]] = {}
"""Maps a string annotation and its module's namespace to its value: each step replay needs it."""

_WORD = re.compile(r"[^\W\d]\w*")


def _evaluate_cached(annotation: str, names: dict[str, Any]) -> object:
    key = (annotation, id(names))
    cached = _evaluations.get(key)
    if cached is None or not _is_current(cached[2], names):
        if len(_evaluations) >= MAX_EVALUATED:
            _evaluations.clear()
        used = {word: names.get(word, UNSET) for word in _WORD.findall(annotation)}
        # The entry keeps the namespace alive, so that its id is not reused.
        cached = _evaluations[key] = (_evaluate(annotation, names, None), names, used)
    return cached[0]


def _is_current(used: dict[str, object], names: dict[str, Any]) -> bool:
    """Return whether no name was redefined since, for example by a notebook cell."""
    for name, meaning in used.items():  # noqa: SIM110 (any() with a generator is half as fast)
        if names.get(name, UNSET) is not meaning:
            return False
    return True


def _evaluate(annotation: object, names: dict[str, Any], captured: dict[str, Any] | None) -> object:
    holder = types.SimpleNamespace(__annotations__={"return": annotation})
    hints = typing.get_type_hints(holder, names, captured or {}, include_extras=True)
    return hints["return"]


def _normalize(annotation: object, handler: Callable[..., object]) -> object:
    if isinstance(annotation, type) and type(annotation) is type:  # the common case
        return annotation
    if annotation is Self:
        bound = getattr(handler, "__self__", None)
        return UNSET if bound is None else type(bound)
    if typing.get_origin(annotation) in (Awaitable, Coroutine):
        annotation = typing.get_args(annotation)[-1]
    if annotation is None:
        return types.NoneType
    return UNSET if isinstance(annotation, TypeVar) else annotation


__all__ = ["parameter_types", "return_type", "signature"]
