"""uv.lock names no index and no machine, and neither does anything else in the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FILE = re.compile(
    r'(?:sdist = |    )\{ path = "[^"/:]+", hash = "sha256:[0-9a-f]{64}"'
    r'(?:, size = \d+)?(?:, upload-time = "[^"]+")? \},?'
)
SOURCE = re.compile(
    r'source = \{ (?:registry = "index"|editable = "inngest-[a-z]+"|virtual = "\.") \}'
)


def test_lock_names_no_address(root: Path) -> None:
    assert re.findall(r"\w+://\S*", (root / "uv.lock").read_text("utf-8")) == []


def test_lock_is_in_neutral_form(root: Path) -> None:
    lines = (root / "uv.lock").read_text("utf-8").splitlines()
    files = [line for line in lines if "hash = " in line]
    assert files
    assert [line for line in files if not FILE.fullmatch(line)] == []
    assert [
        line for line in lines if line.startswith("source") and not SOURCE.fullmatch(line)
    ] == []
    assert [line for line in lines if "url = " in line] == []
    assert [
        name
        for line in lines
        for name in re.findall(r'registry = "([^"]*)"', line)
        if name != "index"
    ] == []


def test_lock_fits_the_projects(root: Path, run: Callable[..., str], bin_folder: Path) -> None:
    before = (root / "uv.lock").read_bytes()
    run(bin_folder / "uv", "lock", "--check")
    assert (root / "uv.lock").read_bytes() == before


def test_everything_locked_is_exported_with_its_hashes(
    root: Path, run: Callable[..., str], bin_folder: Path
) -> None:
    options = ["--frozen", "--all-packages", "--all-groups", "--no-emit-workspace", "--no-header"]
    exported = run(bin_folder / "uv", "export", "-q", *options)
    wanted = [entry for entry in exported.split("\n") if "==" in entry]
    assert len(wanted) > 20
    assert [entry for entry in wanted if not entry.endswith("\\")] == []


def test_nothing_in_the_tree_names_a_place_on_a_machine(root: Path) -> None:
    places = "work|home|root|Users"
    assert_nowhere(root, rf"(^|[^A-Za-z0-9_.~/}})-])/({places})/[A-Za-z0-9_.]")


def test_nothing_in_the_tree_names_the_host_of_an_index(root: Path) -> None:
    assert_nowhere(root, r"(pypi|pythonhosted|npmjs)\.(org|com)")


def assert_nowhere(root: Path, pattern: str) -> None:
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "grep", "--untracked", "-nIE", pattern]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
