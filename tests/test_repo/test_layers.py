"""Imports run one way: the contracts in pyproject.toml, and what they cannot say."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# All that the pure layers may import of ours, beside themselves.
ALLOWED = {"types", "errors", "flow", "version", "event", "op"}
IMPURE = {
    "asyncio", "concurrent", "ctypes", "httpx", "multiprocessing", "os", "queue", "random", "select",
    "signal", "socket", "sqlite3", "ssl", "subprocess", "threading", "urllib3",
}  # fmt: skip


def imported_by(path: Path, package: str) -> set[str]:
    """Return all modules that a file imports, by absolute name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def test_contracts_hold(run: Callable[..., str], root: Path) -> None:
    run(sys.executable, root / "scripts/layers.py")


@pytest.mark.parametrize("layer", ["engine", "protocol"])
def test_pure_layer_imports_only_types_and_errors(layer: str, root: Path) -> None:
    source = root / "inngest-core/src"
    wrong = []
    for path in sorted((source / "inngest/_internal" / layer).rglob("*.py")):
        if path.name.endswith("_test.py") or path.name == "conftest.py":
            continue
        package = ".".join(path.parent.relative_to(source).parts)
        for name in sorted(imported_by(path, package)):
            parts = name.split(".")
            ours = parts[0] == "inngest"
            if ours and not (parts[1] == "_internal" and parts[2] in {layer, *ALLOWED}):
                wrong.append(f"{path.name}: {name}")
            if parts[0] in IMPURE:
                wrong.append(f"{path.name}: {name}")
    assert wrong == []


def test_core_knows_no_framework(root: Path) -> None:
    frameworks = {
        "asgiref",
        "django",
        "fastapi",
        "flask",
        "nacl",
        "opentelemetry",
        "starlette",
        "tornado",
        "uvicorn",
        "websockets",
    }
    source = root / "inngest-core/src/inngest/_internal"
    wrong = [
        f"{path.relative_to(source)}: {name}"
        for path in source.rglob("*.py")
        for name in imported_by(path, "inngest")
        if name.split(".")[0] in frameworks
    ]
    assert wrong == []


WHEELS = {
    "digitalocean": "digital_ocean",
    "django": "django",
    "fastapi": "fast_api",
    "flask": "flask",
    "tornado": "tornado",
}
MODULES = ("__init__.py", "_convert.py", "_plugin.py")


@pytest.mark.parametrize("wheel", WHEELS)
def test_an_adapter_is_thin_and_knows_nothing_of_the_protocol(wheel: str, root: Path) -> None:
    """Lines of code of the skeleton that all share; idioms of a framework stand beside it."""
    source = root / f"inngest-{wheel}/src"
    package = source / "inngest" / WHEELS[wheel]
    assert sum(lines_of_code(package / name) for name in MODULES) < 150
    imported = {name for path in package.rglob("*.py") for name in shipped_imports(path, source)}
    assert not {name for name in imported if name.startswith("inngest._internal")}
    assert "inngest.transport.Handler" in imported


@pytest.mark.parametrize("wheel", ["encryption", "otel"])
def test_a_wheel_of_middleware_is_written_with_the_public_contract_alone(
    wheel: str, root: Path
) -> None:
    source = root / f"inngest-{wheel}/src"
    imported = {name for path in source.rglob("*.py") for name in shipped_imports(path, source)}
    assert not {name for name in imported if name.startswith("inngest._internal")}
    assert "inngest.plugins.MiddlewareEntry" in imported


def shipped_imports(path: Path, source: Path) -> set[str]:
    if path.name.endswith("_test.py"):
        return set()
    return imported_by(path, ".".join(path.parent.relative_to(source).parts))


def lines_of_code(path: Path) -> int:
    """Count the lines that are not just comments or docstrings."""
    text = path.read_text("utf-8")
    described: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), end_lineno=int() as end):
                described |= set(range(node.lineno, end + 1))
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in described
        for number, line in enumerate(text.splitlines(), 1)
    )
