"""Every wheel keeps its promises on the lowest release of the libraries that it is made for.

The newest ones are those of the lock, on which all other tests run.
"""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .conftest import Run

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests/test_inngest"
FRAMEWORKS = ("django", "fastapi", "flask", "tornado")
PLUGINS = {"encryption": "pynacl", "otel": "opentelemetry-api"}
"""Wheels of middleware, and their libraries."""
MADE_FOR = [
    *((framework, framework) for framework in FRAMEWORKS),
    *(("connect", library) for library in ("protobuf", "websockets")),
    *PLUGINS.items(),
]
"""Wheels, each with a library."""
SECONDS = 400.0


def bound(wheel: Path, framework: str) -> Requirement:
    """Return an adapter's requirement on its framework."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    wanted = map(Requirement, metadata.get_all("Requires-Dist", []))
    (found,) = [one for one in wanted if one.name.lower() == framework]
    return found


@pytest.fixture(scope="module")
def lowest(
    wheels: dict[str, Path],
    run: Run,
    bin_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The Python of an environment with the lowest supported frameworks and our wheels."""
    folder = tmp_path_factory.mktemp("lowest")
    uv = bin_folder / "uv"
    run(uv, "venv", "-q", "--python", sys.executable, folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    bounds = [bound(wheels[f"inngest-{wheel}"], library) for wheel, library in MADE_FOR]
    ours = {wheels[f"inngest-{wheel}"] for wheel in ("core", "digitalocean", *dict(MADE_FOR))}
    sdk = [f"opentelemetry-sdk{one.specifier}" for one in bounds if "opentelemetry" in one.name]
    gateway = f"inngest-dev[connect] @ {wheels['inngest-dev'].as_uri()}"
    run(
        *(uv, "pip", "install", "-q", "--python", python, "--resolution", "lowest-direct"),
        *("pytest>=8.4", "uvicorn>=0.35", *sdk, *map(str, bounds), *ours, gateway),
    )
    return python


@pytest.mark.parametrize(("wheel", "library"), MADE_FOR)
def test_the_lowest_release_is_installed(
    wheel: str, library: str, lowest: Path, wheels: dict[str, Path], run: Run
) -> None:
    program = f"from importlib.metadata import version; print(version({library!r}))"
    installed = run(lowest, "-c", program).strip()
    (specifier,) = bound(wheels[f"inngest-{wheel}"], library).specifier
    assert specifier.operator == ">="
    parts, wanted = installed.split("."), specifier.version.split(".")
    assert parts[: len(wanted)] == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "selected"),
    [
        (("transports.py", "test_transports.py"), "Django or FastAPI or Flask or Tornado"),
        (
            ("connect_platform.py", "ports.py", "test_connect.py"),
            "run or drained or second or heartbeats or proxy",
        ),
    ],
    ids=["transports", "connect"],
)
def test_the_suite_passes(
    files: tuple[str, ...],
    selected: str,
    lowest: Path,
    tmp_path: Path,
    tool_environment: dict[str, str],
) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name in files:
        shutil.copy(SOURCES / name, folder)
    play(lowest, tool_environment, folder, "-k", selected)


@pytest.mark.parametrize("wheel", PLUGINS)
def test_the_middleware_passes_its_tests(
    wheel: str, lowest: Path, tmp_path: Path, tool_environment: dict[str, str]
) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    for source in (ROOT / f"inngest-{wheel}/src/inngest/{wheel}").glob("*_test.py"):
        shutil.copy(source, folder / f"test_{source.name}")
    play(lowest, tool_environment, folder, "-W", "error")


def play(python: Path, environment: dict[str, str], folder: Path, *options: str) -> None:
    """Run the tests in a directory, which must contain some."""
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options, folder],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
