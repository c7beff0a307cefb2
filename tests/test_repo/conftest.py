"""Fixtures of the repository's tests: paths, tools, and built wheels."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., str]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def members() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("inngest-*/pyproject.toml"))


@pytest.fixture(scope="session")
def tool_environment() -> dict[str, str]:
    """The environment in which bootstrap runs uv, with the machine's package index."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    env: dict[str, str] = bootstrap.uv_environment(Path(sys.executable))
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "MYPYPATH", "PYTHONWARNINGS"):
        env.pop(name, None)
    return env


@pytest.fixture(scope="session")
def run(tool_environment: dict[str, str]) -> Run:
    """Run a command and return its output; if it fails, show all of it."""

    def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**tool_environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def bin_folder() -> Path:
    """The directory of the executables of the running environment."""
    return Path(sys.executable).parent


@pytest.fixture(scope="session")
def wheels(
    members: list[str], run: Run, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """All wheels of the workspace, freshly built, by distribution name."""
    out = tmp_path_factory.mktemp("wheels")
    options = ["-q", "--wheel", "--no-build-isolation", "--python", sys.executable]
    run(bin_folder / "uv", "build", "--all-packages", *options, "--out-dir", out)
    built = {path.name.split("-")[0].replace("_", "-"): path for path in out.glob("*.whl")}
    assert sorted(built) == members
    return built


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def site_of(environment: Path) -> Path:
    base = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path("purelib", vars=base))


def build(run: Run, bin_folder: Path, project: Path, out: Path) -> Path:
    """Build the wheel of a project outside the workspace."""
    copy = out / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    options = ["-q", "--wheel", "--no-build-isolation", "--python", sys.executable]
    run(bin_folder / "uv", "build", *options, "--out-dir", out, copy)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def example_wheel(run: Run, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(run, bin_folder, ROOT / "examples/plugin", tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="session")
def locked(run: Run, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions, as pip constraints."""
    out = tmp_path_factory.mktemp("locked") / "locked.txt"
    options = ["--frozen", "--all-packages", "--all-groups", "--no-emit-workspace", "--no-hashes"]
    run(bin_folder / "uv", "export", "-q", *options, "-o", out)
    return out


@pytest.fixture(scope="session")
def uv(
    run: Run,
    bin_folder: Path,
    wheels: dict[str, Path],
    locked: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., str]:
    """Run `uv pip` on an environment, with the locked versions, which are in uv's cache.

    This project's wheels are those just built, whatever an index has under their names.
    """
    ours = tmp_path_factory.mktemp("ours") / "ours.txt"
    ours.write_text("".join(f"{name} @ {wheel.as_uri()}\n" for name, wheel in wheels.items()))

    def uv(environment: Path, command: str, *arguments: str | Path) -> str:
        options: list[str | Path] = ["-q", "--python", python_of(environment)]
        if command == "install":
            options += ["--overrides", ours, "--constraints", locked]
        return run(bin_folder / "uv", "pip", command, *options, *arguments)

    return uv


@pytest.fixture(scope="session")
def pip(run: Run) -> Callable[..., str]:
    """Run pip on an environment that already has all third-party requirements."""

    def pip(environment: Path, command: str, *arguments: str | Path) -> str:
        start = [sys.executable, "-m", "pip", "--python", python_of(environment)]
        options: list[str | Path] = ["-q", "--disable-pip-version-check"]
        if command == "install":
            options += ["--no-index", "--no-compile"]
        return run(*start, command, *options, *arguments)

    return pip


@pytest.fixture(scope="session")
def make(uv: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a new environment with these distributions and their requirements."""

    def make(*names: str | Path) -> Path:
        environment = tmp_path_factory.mktemp("environment")
        venv.create(environment, symlinks=os.name != "nt")
        uv(environment, "install", *names)
        return environment

    return make


@pytest.fixture(scope="session")
def install(make: Callable[..., Path]) -> Callable[..., Path]:
    """Return an environment with these distributions, made once, which must not be modified."""
    made: dict[tuple[str, ...], Path] = {}

    def install(*names: str) -> Path:
        if names not in made:
            made[names] = make(*names)
        return made[names]

    return install
