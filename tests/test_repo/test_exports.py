"""What `inngest` exports is sorted, and each name says what it is."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import inngest
from inngest import dev


def documented_assignments(source: Path) -> set[str]:
    """Return the names of aliases and constants that are followed by a docstring."""
    names: set[str] = set()
    for path in source.rglob("*.py"):
        body = ast.parse(path.read_text("utf-8")).body
        for node, after in itertools.pairwise(body):
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign):
                targets = [node.target]
            else:
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def is_documented(name: str, value: object, assignments: set[str]) -> bool:
    if inspect.isclass(value):
        # A dataclass without a docstring is given its signature.
        doc = vars(value).get("__doc__") or ""
        return bool(doc) and not doc.startswith(f"{value.__name__}(")
    if inspect.isroutine(value) or inspect.ismodule(value):
        return bool(value.__doc__)
    return name in assignments


def test_exports_are_sorted_and_exist() -> None:
    assert list(inngest.__all__) == sorted(inngest.__all__)
    assert len(set(inngest.__all__)) == len(inngest.__all__)
    assert [name for name in inngest.__all__ if not hasattr(inngest, name)] == []


def test_every_export_has_a_docstring(root: Path) -> None:
    assignments = documented_assignments(root / "inngest-core/src/inngest")
    missing = [
        name
        for name in inngest.__all__
        if not is_documented(name, getattr(inngest, name), assignments)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("package", "prefix"), [(inngest, "inngest._internal"), (dev, "inngest.dev")]
)
def test_names_are_found_where_checkers_find_them(package: Any, prefix: str) -> None:
    """Names are loaded when they are used; the imports are there for type checkers alone."""
    source = Path(package.__file__).read_text("utf-8")
    blocks = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    declared = {alias.name: node.module for node in imports for alias in node.names}
    assert sorted(declared) == list(package.__all__)
    assert declared == {name: f"{prefix}.{home}" for name, home in package._HOMES.items()}
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


RAISES = re.compile(r":raises ([\w.]+):")
PAGES = [
    "inngest", "inngest.asgi", "inngest.connect", "inngest.dev", "inngest.dev.testing",
    "inngest.digital_ocean", "inngest.errors", "inngest.experimental",
    "inngest.experimental.durable", "inngest.experimental.mocked",
    "inngest.experimental.realtime", "inngest.fast_api", "inngest.fetching", "inngest.flask",
    "inngest.middleware", "inngest.outgoing", "inngest.plugins", "inngest.testing",
    "inngest.tornado", "inngest.transport", "inngest.wsgi",
]  # fmt: skip


def _documented(name: str) -> Iterator[tuple[str, str]]:
    """Yield a module's public routines and classes, and their routines, with docstrings."""
    module = importlib.import_module(name)
    for public in module.__all__:
        value = getattr(module, public)
        held = vars(value).items() if inspect.isclass(value) else ()
        routines = [(f"{public}.{n}", m) for n, m in held if inspect.isroutine(m) and n[0] != "_"]
        for each, documented in [(public, value), *routines]:
            yield f"{name}.{each}", inspect.getdoc(documented) or ""


def test_what_is_raised_can_be_caught() -> None:
    """An error that a docstring names is built in, or has a public name."""
    known = {name for page in PAGES for name in importlib.import_module(page).__all__}
    named = [
        (where, error.rpartition(".")[2])
        for page in PAGES
        for where, text in _documented(page)
        for error in RAISES.findall(text)
    ]
    assert len(named) > 50, "docstrings were found"
    assert [
        (where, error)
        for where, error in named
        if error not in known and not hasattr(builtins, error)
    ] == []


def test_unknown_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Ingest'"):
        _ = inngest.Ingest  # type: ignore[attr-defined]
    assert set(inngest.__all__) <= set(dir(inngest))
