"""The plugin imports nothing before it is used, isolates tests, and tells of failed ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import inngest
import pytest
from inngest.dev.testing import VirtualEngine

client = inngest.Inngest(app_id="shop")

@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="a"))
def fn(ctx: inngest.ContextSync) -> str:
    return ctx.step.run("pay", lambda: "paid")

@pytest.mark.parametrize("time", range(2))
def test_passes(inngest_engine, time):
    engine = inngest_engine(client, [fn])
    assert engine.send(inngest.Event(name="a")).output == "paid"
    assert len(engine.runs()) == 1

def test_fails(inngest_engine):
    engine = inngest_engine(client, [fn])
    assert engine.send(inngest.Event(name="a")).output == "owed"

def test_fails_within():
    with VirtualEngine(client, [fn]) as engine:
        assert engine.send(inngest.Event(name="a")).output == "owed"
"""


def run_pytest(
    path: Path, *arguments: str, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-p", "no:schemathesis", *arguments]  # whose import takes seconds
    return subprocess.run(
        command,
        cwd=path,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        timeout=300,
        check=False,
    )


def test_failed_tests_show_what_happened(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(SUITE)
    done = run_pytest(tmp_path)
    assert "2 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("Inngest runs") == 2
    assert done.stdout.count('✓ pay: "paid"') == 2, "each test tells of its own runs"


def test_a_terminal_without_the_marks_shows_them_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(SUITE)
    done = run_pytest(tmp_path, "-k", "fails_within", encoding="cp1252")  # as in CI on Windows
    lines = done.stdout.partition(" Inngest runs ")[2].splitlines()
    assert any(line.endswith('\\u2713 pay: "paid"') for line in lines), done.stdout


def test_a_project_without_functions_pays_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_nothing():\n"
        "    assert 'inngest_pytest' in sys.modules\n"
        "    assert not [name for name in sys.modules if name.split('.')[0] == 'inngest']\n"
    )
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
