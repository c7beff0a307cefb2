"""docs/plugins.md: its project works as it is printed, and it leaves nothing out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import inngest.plugins
from inngest._internal.plugins import switches
from inngest._internal.plugins.admission import HOOKS

from .conftest import build, python_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/plugins.md").read_text("utf-8")
FILE = re.compile(
    r"^```(?:toml|python)\n# (?P<path>pyproject\.toml|\w\S*/\S+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.slow
def test_the_project_of_the_page_passes_its_tests(
    make: Callable[..., Path],
    pip: Callable[..., str],
    run: Callable[..., str],
    bin_folder: Path,
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    for found in FILE.finditer(PAGE):
        file = project / found["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(found["text"])
    wheel = build(run, bin_folder, project, tmp_path / "out")
    environment = make("inngest-core", "pytest")
    pip(environment, "install", "--no-deps", wheel)
    python = python_of(environment)
    run(python, "-W", "error", "-m", "pytest", "-q", cwd=project)
    assert "not configured" in run(python, "-m", "inngest", "plugins", "--check", cwd=tmp_path)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook: str) -> None:
    specification = getattr(inngest.plugins.HookSpecs, hook)
    assert inspect.getdoc(specification)
    parameters = list(inspect.signature(specification).parameters)[1:]
    assert f"### `{hook}({', '.join(parameters)})`" in PAGE


def test_every_hook_is_a_specification() -> None:
    made = inngest.plugins.HookSpecs
    assert [name for name in HOOKS if not hasattr(getattr(made, name), "inngest_spec")] == []


@pytest.mark.parametrize("switch", [switches.ALLOWED, switches.DISABLED, switches.STRICT])
def test_every_switch_is_documented(switch: str) -> None:
    assert f"| `{switch}` |" in PAGE


def test_what_plugins_exports_is_sorted_and_documented() -> None:
    names = inngest.plugins.__all__
    assert list(names) == sorted(names)
    undocumented = [
        name
        for name in names
        if inspect.isclass(value := getattr(inngest.plugins, name))
        and (value.__doc__ or f"{name}(").startswith(f"{name}(")
    ]
    assert undocumented == []
