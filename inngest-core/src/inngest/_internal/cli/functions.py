"""Check an app's functions: clashing ids, and functions that the server would reject."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inngest._internal.cli.finding import Finding
from inngest._internal.errors import Error
from inngest._internal.function.function import Function
from inngest._internal.wheels import MODULES, module_of

SUBJECT = "app"


def check_app(target: str | None) -> Iterator[Finding]:
    """Import ``module`` or ``module:name`` and check the functions in it."""
    if target is None:
        text = "not checked; pass --app MODULE[:NAME] to check its functions"
        yield Finding(level="note", subject=SUBJECT, text=text)
        return
    try:
        functions = load_functions(target)
    except (Exception, SystemExit) as error:
        text = f"{target} cannot be imported: {type(error).__name__}: {error}"
        yield Finding(level="problem", subject=SUBJECT, text=text, advice=_advice(error))
        return
    if not functions:
        yield Finding(
            level="problem",
            subject=SUBJECT,
            text=f"{target} contains no functions",
            advice="name a module that contains functions, or an object in one",
        )
        return
    yield from inspect(functions)


def _advice(error: BaseException) -> str:
    """Return which distribution provides a missing module of this project, if it is one."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    package, _, portion = error.name.partition(".")
    if package != "inngest":
        return ""
    module = module_of(portion)
    if module is None:
        return ""
    return f"pip install {MODULES[module]} provides it, as the module inngest.{module}"


def load_functions(target: str) -> list[Function[Any]]:
    """Return the functions in a module or an object, without duplicates.

    For a web app, as ``inngest dev --app`` and servers name it, those in its module.
    """
    path, _, name = target.partition(":")
    module = importlib.import_module(path)
    found: object = module
    for part in filter(None, name.split(".")):
        found = getattr(found, part)
    if isinstance(found, Iterable):
        return _functions_in(found)
    return _functions_in(found) or _functions_in(module)


def _functions_in(found: object) -> list[Function[Any]]:
    if isinstance(found, Function):
        return [found]
    own: Mapping[str, object] = getattr(found, "__dict__", {})
    values: Iterable[object] = found if isinstance(found, Iterable) else own.values()
    seen: dict[int, Function[Any]] = {}
    for value in values:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, Function):
                seen.setdefault(id(item), item)
    return list(seen.values())


def inspect(functions: Iterable[Function[Any]]) -> Iterator[Finding]:
    """Find what the server would reject."""
    functions = list(functions)
    count = Counter(function.id for function in functions)
    for function_id, times in sorted(count.items()):
        if times > 1:
            yield Finding(
                level="problem",
                subject=SUBJECT,
                text=f"{times} functions have the id {function_id!r}",
                advice="give each function of an app an fn_id of its own",
            )
    for function in functions:
        try:
            function.configs("http://localhost/api/inngest")
        except Error as error:
            text = f"{function.id}: {error.message}"
            yield Finding(level="problem", subject=SUBJECT, text=text)
    yield Finding(
        level="ok",
        subject=SUBJECT,
        text=f"{len(functions)} function(s): {', '.join(sorted(count))}",
    )
