"""Every adapter keeps its promises on the lowest release of its framework that it allows,
and so does the worker of Connect on those of websockets and protobuf.

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
CONNECT = ("protobuf", "websockets")
SECONDS = 400.0


def bound(wheel: Path, framework: str) -> Requirement:
    """What an adapter asks of its framework."""
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
    """The Python of an environment with the lowest frameworks, and our wheels."""
    folder = tmp_path_factory.mktemp("lowest")
    uv = bin_folder / "uv"
    run(uv, "venv", "-q", "--python", sys.executable, folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    bounds = [str(bound(wheels[f"inngest-{one}"], one)) for one in FRAMEWORKS]
    bounds += [str(bound(wheels["inngest-connect"], one)) for one in CONNECT]
    served = [wheels[f"inngest-{one}"] for one in ("core", "digitalocean", "connect", *FRAMEWORKS)]
    gateway = f"inngest-dev[connect] @ {wheels['inngest-dev'].as_uri()}"
    run(
        *(uv, "pip", "install", "-q", "--python", python, "--resolution", "lowest-direct"),
        *("pytest>=8.4", "uvicorn>=0.35", *bounds, *served, gateway),
    )
    return python


@pytest.mark.parametrize(
    ("wheel", "needed"),
    [*((one, one) for one in FRAMEWORKS), *(("connect", one) for one in CONNECT)],
)
def test_the_lowest_release_is_installed(
    wheel: str, needed: str, lowest: Path, wheels: dict[str, Path], run: Run
) -> None:
    program = f"from importlib.metadata import version; print(version({needed!r}))"
    installed = run(lowest, "-c", program).strip()
    (specifier,) = bound(wheels[f"inngest-{wheel}"], needed).specifier
    assert specifier.operator == ">="
    parts, wanted = installed.split("."), specifier.version.split(".")
    assert parts[: len(wanted)] == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "selected"),
    [
        (("transports.py", "test_transports.py"), "Django or FastAPI or Flask or Tornado"),
        (("connect_platform.py", "test_connect.py"), "run or drained or second or heartbeats"),
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
    options = ("-q", "-x", "-p", "no:cacheprovider", "-k", selected)
    done = subprocess.run(
        [lowest, "-m", "pytest", *options, folder],
        cwd=tmp_path,
        env=tool_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
