"""An environment for each package: ours as wheels from this tree, the peer's from the index."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
PEER = "inngest==0.5.19"
OURS = ("core", "flask", "fastapi", "digitalocean")
SHARED = ("flask", "fastapi", "uvicorn")


def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: str | Path) -> None:
    """Run uv as the project's set-up does: it knows the machine's index."""
    env: dict[str, str] = bootstrap().uv_environment(Path(sys.executable))
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def make() -> dict[str, Path]:
    """Make both environments anew, and return the interpreter of each."""
    uv = Path(sys.executable).with_name("uv")
    BUILD.mkdir(parents=True, exist_ok=True)
    locked = BUILD / "locked.txt"
    options = ["--frozen", "--all-packages", "--all-groups", "--no-emit-workspace", "--no-hashes"]
    run(uv, "export", "-q", *options, "-o", locked)
    sides: dict[str, list[str | Path]] = {
        "ours": [ROOT / f"inngest-{name}" for name in OURS],
        "peer": [PEER],
        "plots": ["matplotlib"],
    }
    for side, packages in sides.items():
        venv = BUILD / side
        run(uv, "venv", "-q", "--clear", "--python", sys.executable, venv)
        wanted = packages if side == "plots" else [*packages, *SHARED, "-c", locked]
        python = venv / "bin/python"
        # Compiled, or the times to import cannot be compared.
        run(uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *wanted)
    pythons = {side: BUILD / side / "bin/python" for side in sides}
    return {**pythons, "minimal": pythons["ours"]}


def environment() -> dict[str, str]:
    """The programs' environment: nothing that configures either package."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("INNGEST_") and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
