"""What the tests of the repository share: where it is, its tools, its wheels."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
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
    """The environment in which bootstrap runs uv: it knows the machine's package index."""
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
    """Run a command and return its output; a failure shows all of it."""

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
    """Where the tools of the environment are that runs the tests."""
    return Path(sys.executable).parent


@pytest.fixture(scope="session")
def wheels(
    members: list[str], run: Run, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Every wheel of the workspace, built for real, by the name of its distribution."""
    out = tmp_path_factory.mktemp("wheels")
    options = ["-q", "--wheel", "--no-build-isolation", "--python", sys.executable]
    run(bin_folder / "uv", "build", "--all-packages", *options, "--out-dir", out)
    built = {path.name.split("-")[0].replace("_", "-"): path for path in out.glob("*.whl")}
    assert sorted(built) == members
    return built
