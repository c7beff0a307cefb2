"""Find the app of a directory without running any of its code."""

from __future__ import annotations

import ast
from pathlib import Path

FILES = ("app.py", "main.py", "asgi.py", "wsgi.py", "src/app.py", "src/main.py")
NAMES = ("app", "application")


def find_app(directory: Path) -> str | None:
    """`module:attribute` of the first usual file that imports inngest and makes an app."""
    for name in FILES:
        path = directory / name
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        if _imports_inngest(tree):
            for wanted in NAMES:
                if wanted in _assigned(tree):
                    return f"{name.removesuffix('.py').replace('/', '.')}:{wanted}"
    return None


def _imports_inngest(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        if any(name.partition(".")[0] == "inngest" for name in names):
            return True
    return False


def _assigned(tree: ast.Module) -> set[str]:
    targets = [
        target
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return {target.id for target in targets if isinstance(target, ast.Name)}
