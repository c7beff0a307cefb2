"""Read what a handler says of its values. Names that cannot be found mean that it says nothing."""

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
    """Return the type that ``handler`` returns once awaited; ``UNSET`` if it does not say."""
    function = handler if type(handler) is types.FunctionType else _function(handler)
    if function is None:
        return UNSET
    try:
        annotation = _annotations(function).get("return", UNSET)
        return UNSET if annotation is UNSET else _type(function, annotation, handler)
    except Exception:  # a name that only the type checker knows, or any code in an annotation
        return UNSET


def parameter_types(handler: Callable[..., object], count: int) -> list[object]:
    """Return the types of the first ``count`` positional arguments; ``UNSET`` where none is said."""
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
    """What ``call`` takes. No annotation has to have a meaning for that.

    :raises TypeError, ValueError: as ``inspect.signature`` does.
    """
    if sys.version_info >= (3, 14):
        form = annotationlib.Format.FORWARDREF
        return inspect.signature(call, follow_wrapped=follow_wrapped, annotation_format=form)
    return inspect.signature(call, follow_wrapped=follow_wrapped)


def _annotations(function: types.FunctionType) -> Mapping[str, object]:
    if sys.version_info >= (3, 14):
        # All are evaluated when the first is asked for: one that fails must not hide the others.
        try:
            return function.__annotations__
        except Exception:
            return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return function.__annotations__


def _type(
    function: types.FunctionType, annotation: object, handler: Callable[..., object]
) -> object:
    if type(annotation) is not str and not _is_quoted(annotation):
        return _meant(annotation, handler)
    # A decorator with functools.wraps passes on strings, which its module cannot read.
    if hasattr(function, "__wrapped__"):
        function = inspect.unwrap(function)
    cells = function.__closure__
    captured = None if cells is None else _captured(function, cells, str(annotation))
    if isinstance(annotation, str) and not captured:
        return _meant(_evaluated_once(annotation, function.__globals__), handler)
    evaluated = _evaluated(_referring(annotation), function.__globals__, captured)
    return UNSET if _is_quoted(evaluated) else _meant(evaluated, handler)


def _is_quoted(annotation: object) -> bool:
    """Whether it, or a part of it, is text that names a type."""
    if type(annotation) is type:  # nearly always
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


def _captured(
    function: types.FunctionType, cells: tuple[types.CellType, ...], text: str
) -> dict[str, Any]:
    """What those names mean that a function has of the functions around it, and ``text`` may use."""
    found: dict[str, Any] = {}
    for number, name in enumerate(function.__code__.co_freevars):
        if name in text:
            with suppress(ValueError):  # it has no value yet
                found[name] = cells[number].cell_contents
    return found


def _referring(annotation: object) -> object:
    """Python 3.10 does not look at text within ``list[...]``: make it a reference."""
    if type(annotation) is not types.GenericAlias:
        return annotation
    origin: Any = typing.get_origin(annotation)
    arguments = (
        ForwardRef(each) if isinstance(each, str) else _referring(each)
        for each in typing.get_args(annotation)
    )
    return origin[tuple(arguments)]


MAX_EVALUATED = 1024
_evaluations: dict[tuple[str, int], tuple[object, dict[str, Any], dict[str, object]]] = {}
"""What an annotation means in the module with these names: a replay asks for every step."""

_WORD = re.compile(r"[^\W\d]\w*")


def _evaluated_once(annotation: str, names: dict[str, Any]) -> object:
    key = (annotation, id(names))
    known = _evaluations.get(key)
    if known is None or not _still_mean(known[2], names):
        if len(_evaluations) >= MAX_EVALUATED:
            _evaluations.clear()
        used = {word: names.get(word, UNSET) for word in _WORD.findall(annotation)}
        # With the names themselves: as long as they live, nothing else has their id.
        known = _evaluations[key] = (_evaluated(annotation, names, None), names, used)
    return known[0]


def _still_mean(used: dict[str, object], names: dict[str, Any]) -> bool:
    """Whether nothing was defined again since, as by a cell of a notebook."""
    for name, meaning in used.items():  # noqa: SIM110 (a generator takes twice as long)
        if names.get(name, UNSET) is not meaning:
            return False
    return True


def _evaluated(
    annotation: object, names: dict[str, Any], captured: dict[str, Any] | None
) -> object:
    holder = types.SimpleNamespace(__annotations__={"return": annotation})
    hints = typing.get_type_hints(holder, names, captured or {}, include_extras=True)
    return hints["return"]


def _meant(annotation: object, handler: Callable[..., object]) -> object:
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


__all__ = ["parameter_types", "return_type", "signature"]
