"""The table of docs/experimental.md: each name is there as it says, and its test exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, get_origin

import pytest

import inngest.experimental

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/experimental.md"
PACKAGE = "inngest.experimental"
ROW = re.compile(
    r"^\| `([\w.]*)` \| `([\w.]+)` \| (?:`(\(.*\))`)? ?\| `(.+)::(\w+)` \|$", re.MULTILINE
)
FOUND = [each.name for each in pkgutil.walk_packages(inngest.experimental.__path__, f"{PACKAGE}.")]
MODULES = [
    PACKAGE,
    *(name for name in sorted(FOUND) if "._" not in name and not name.endswith("_test")),
]
OPTIONAL = ["boto3", "botocore", "flask", "inngest.dev", "inngest.digital_ocean", "sentry_sdk"]


class Row(NamedTuple):
    module: str
    name: str
    signature: str
    file: str
    test: str


ROWS = [Row(*found) for found in ROW.findall(PAGE.read_text("utf-8"))]


def shape(value: Any) -> str:
    """Return a signature without its types."""
    signature = inspect.signature(value)
    parameters = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    return str(inspect.Signature(parameters))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.module}.{row.name}")
def test_a_name_is_there_as_the_table_says(row: Row) -> None:
    value: Any = importlib.import_module(f"{PACKAGE}.{row.module}".rstrip("."))
    for part in row.name.split("."):
        value = getattr(value, part)
    if row.signature:
        assert shape(value) == row.signature
    tree = ast.parse((ROOT / row.file).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert row.test in {node.name for node in ast.walk(tree) if isinstance(node, functions)}


@pytest.mark.parametrize("module", MODULES)
def test_every_exported_name_is_in_the_table_and_documented(module: str) -> None:
    found = importlib.import_module(module)
    assert found.__doc__
    exported: list[str] = list(getattr(found, "__all__", []))
    assert exported == sorted(exported)
    names = [name for name in exported if not inspect.ismodule(getattr(found, name))]
    short = "." if module == PACKAGE else module.removeprefix(f"{PACKAGE}.")
    assert set(names) == {row.name for row in ROWS if row.module == short and "." not in row.name}
    for name in names:
        value = getattr(found, name)
        is_alias = get_origin(value) is not None  # to Python 3.10 some are classes
        if not is_alias and (inspect.isclass(value) or inspect.isroutine(value)):
            assert value.__doc__, name


def test_every_module_can_be_imported_without_what_it_may_need() -> None:
    program = "\n".join(
        [
            "import importlib, sys",
            f"sys.modules.update(dict.fromkeys({OPTIONAL}))",
            f"for name in {MODULES}: importlib.import_module(name)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
