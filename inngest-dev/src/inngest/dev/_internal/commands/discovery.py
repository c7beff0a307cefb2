"""Find the app of a directory without running any of its code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FILES = ("app.py", "main.py", "asgi.py", "wsgi.py", "src/app.py", "src/main.py")
NAMES = ("app", "application")
_APP = re.compile(rb"^(app|application)\b[^=\n]*=", re.MULTILINE)


def find_app(directory: Path) -> str | None:
    """`module:attribute` of the first usual file that imports inngest and makes an app.

    If there is none, one that probably would, but for a syntax error: importing it will say which.
    """
    broken = None
    for name in FILES:
        path = directory / name
        module = name.removesuffix(".py").replace("/", ".")
        try:
            source = path.read_bytes()
        except OSError:
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            found = _APP.search(source)
            if broken is None and found is not None and b"inngest" in source:
                broken = f"{module}:{found[1].decode()}"
            continue
        if _imports_inngest(tree):
            for wanted in NAMES:
                if wanted in _assigned(tree):
                    return f"{module}:{wanted}"
    return broken


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
