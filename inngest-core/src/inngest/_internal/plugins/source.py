"""Find the hooks that a plugin implements by parsing its source. Neither imports nor runs it.

Limits: only functions decorated with ``hookimpl`` are found, in the module that the entry point
names, if that is a file on ``sys.path``. Otherwise the hooks are unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from inngest._internal.plugins.installed import search_path


def declared_hooks(target: str) -> tuple[str, ...] | None:
    """Return the names of the implemented hooks, or ``None`` if they are unknown."""
    file = locate(target.partition(":")[0].strip())
    if file is None:
        return None
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    found = sorted(set(_hooks(tree)))
    return tuple(found) or None


def locate(module: str) -> Path | None:
    """Return the source file of a module without importing its packages, or ``None``."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for entry in search_path():
        base = Path(entry or ".").joinpath(*parts)
        for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None


def _hooks(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                if _name(decorator) == "hookimpl":
                    yield _specname(decorator) or node.name


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _specname(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "specname" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return None
