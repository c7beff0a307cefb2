"""Import an app by its name, in the process that is to serve it, and tell of what kind it is."""

from __future__ import annotations

import gc
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inngest.dev._internal.commands.discovery import NAMES

if sys.version_info >= (3, 14):
    import annotationlib


class AppError(Exception):
    """The app cannot be loaded, or served. The message says why."""


def load(target: str) -> Any:
    """Import the app that `module:attribute` names; call it, if it is a factory of apps.

    :raises AppError: there is none, or its import fails.
    """
    module_name, _, attribute = target.partition(":")
    if "/" in target or "\\" in target or target.endswith(".py"):
        raise AppError(f"{target} is a path; name the module and the app, such as app:app")
    if not module_name:
        raise AppError(f"{target!r} names no module; name the module and the app, such as app:app")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise AppError(_import_failure(module_name, error)) from error
    found: Any = module
    if not attribute:
        attribute = next((name for name in NAMES if hasattr(module, name)), NAMES[0])
    for name in attribute.split("."):
        found = getattr(found, name, None)
        if found is None:
            names = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            known = ", ".join(sorted(names)[:12]) or "nothing callable"
            raise AppError(f"{module_name} has no {attribute!r}; it has: {known}")
    if _is_factory(found):
        try:
            found = found()
        except Exception as error:
            raise AppError(f"{target}() fails:\n{_told(error)}") from error
    if not (is_tornado(found) or _takes_requests(found)):
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise AppError(
            f"{target} is no ASGI, WSGI or Tornado app: it is a {kind}; if it has a server of its "
            "own, start that, and give --url"
        )
    return found


def is_tornado(app: Any) -> bool:
    return any(base.__module__.startswith("tornado.") for base in type(app).__mro__)


def _takes_requests(app: Any) -> bool:
    """Whether it can be called as servers call apps: with two arguments (WSGI) or three (ASGI)."""
    if not callable(app):
        return False
    try:
        parameters = _parameters(app)
    except (TypeError, ValueError):
        return True
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return (
        any(p.kind is p.VAR_POSITIONAL for p in parameters)
        or sum(p.kind in positional for p in parameters) >= 2
    )


def _is_factory(found: Any) -> bool:
    if not inspect.isroutine(found) or inspect.iscoroutinefunction(found):
        return False
    try:
        parameters = _parameters(found)
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in parameters)


def _parameters(call: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters of a callable.

    Python 3.14 evaluates annotations for that unless told not to, and those of an app may fail.
    """
    if sys.version_info >= (3, 14):
        text = annotationlib.Format.STRING
        return list(inspect.signature(call, annotation_format=text).parameters.values())
    return list(inspect.signature(call).parameters.values())


def event_schemas() -> dict[str, Any]:
    """The JSON schemas of all event types that the app's import has made, by event name."""
    from inngest import EventType

    found: dict[str, Any] = {}
    for each in gc.get_objects():
        if type(each) is EventType:
            try:
                found[each.name] = each.model.model_json_schema()
            except Exception:  # noqa: S112 - not every model has one, and it is only a hint
                continue
    return found


def is_asgi(app: Any) -> bool:
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = _parameters(app)
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3


def _import_failure(module_name: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]:
        return f"there is no module {module_name!r} in {Path.cwd()} or installed"
    return f"{module_name} cannot be imported:\n{_told(error)}"


def _told(error: Exception) -> str:
    """The traceback of the app's own lines."""
    ours = (__file__, importlib.__file__)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in ours and "importlib" not in frame.filename
    ]
    lines = "".join(traceback.format_list(frames))
    last = "".join(traceback.format_exception_only(type(error), error))
    return f"{lines}{last}".rstrip()
