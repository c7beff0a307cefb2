"""Resolve the workspace and write uv.lock: the only writer of that file.

The lock names no machine and no index: `registry = "index"` stands for whatever package
index is configured, and a file is its name and its hash.

    scripts/lock.py             resolve, keep what is locked where it still fits
    scripts/lock.py --upgrade   (any other argument of `uv lock`, too)
    scripts/lock.py --check     fail when uv.lock does not fit the pyproject.toml files
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "uv.lock"
FILE = re.compile(r'\b(?:url|path) = "(?:[^"]*/)?([^"/]+)"(?=, hash = )')
REGISTRY = re.compile(r'(?<=\{ )registry = "[^"]*"')


def find_uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        sys.exit("lock: no uv; run scripts/bootstrap first")
    return found


def neutralize(text: str) -> str:
    """Strip every address from a lock; the result of the result is the same."""
    text = REGISTRY.sub('registry = "index"', text)
    return FILE.sub(lambda found: f'path = "{found[1]}"', text)


def main(args: list[str]) -> int:
    env = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "UV_FROZEN"}}
    if "--check" in args:
        # uv reads the neutral form as it is; nothing is written.
        return subprocess.run([find_uv(), "lock", *args], cwd=ROOT, env=env, check=False).returncode
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for source in [ROOT / "pyproject.toml", *ROOT.glob("inngest-*/pyproject.toml")]:
            target = copy / source.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
        if LOCK.exists():
            # uv keeps the versions it finds in the old lock.
            shutil.copy(LOCK, copy)
        done = subprocess.run([find_uv(), "lock", *args], cwd=copy, env=env, check=False)
        if done.returncode == 0:
            LOCK.write_text(neutralize((copy / "uv.lock").read_text()))
        return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
