"""What a test finds depends neither on chance nor on the machine that it runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st


def test_property_tests_try_the_same_values_each_time_and_may_take_long() -> None:
    tried: list[int] = []

    @given(st.integers())
    def run(value: int) -> None:
        if not tried:
            time.sleep(0.25)  # as when the machine has other things to do
        tried.append(value)

    run()
    first = tried.copy()
    run()
    assert tried == first * 2


def test_tests_do_not_see_what_the_machine_is_set_up_for(root: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    around = {
        "INNGEST_API_BASE_URL": nowhere,
        "INNGEST_DEV": "1",
        "INNGEST_EVENT_API_BASE_URL": nowhere,
        "INNGEST_PLUGINS": "",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    tests = root / "inngest-core/src/inngest/_internal"
    asked = [tests / "client/client_test.py", tests / "protocol/signature_test.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-k", "wire or recorded", *map(str, asked)],
        cwd=root,
        env={**os.environ, **around},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_make_works_where_the_path_has_a_blank(root: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "my checkout"
    for name in ("Makefile", "scripts/package.mk", "inngest-core/Makefile"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, checkout / name)
    env = {name: value for name, value in os.environ.items() if name not in ("VENV", "MAKEFLAGS")}

    def said(folder: Path) -> list[str]:
        command = ["make", "--dry-run", "--no-print-directory", "lint"]
        return subprocess.check_output(command, cwd=folder, env=env, text=True).splitlines()

    assert ".venv/bin/ruff check ." in said(checkout)
    expected = f'cd "{checkout}" && .venv/bin/ruff check inngest-core'
    assert expected in said(checkout / "inngest-core")
