"""Hold the layers of DESIGN.md: run import-linter on the sources without their tests.

Unit tests stand beside the code and may import whatever they like, so the contracts in
pyproject.toml are checked on a copy of all wheels that has none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(ROOT.glob("inngest-*/src"))


def copy_without_tests(target: Path) -> None:
    ignored = shutil.ignore_patterns("*_test.py", "conftest.py", "__pycache__")
    for source in SOURCES:
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_without_tests(copy)
        shutil.copy(ROOT / "pyproject.toml", copy)
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        env = {**os.environ, "PYTHONPATH": folder}
        return subprocess.run(command, cwd=copy, env=env, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
