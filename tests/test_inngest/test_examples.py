"""Every example runs: `make demo TRANSPORT=…` shows its run to the end."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "scripts/demo.py"
TRANSPORTS = [
    "asgi",
    "digital_ocean",
    "django",
    "django_asgi",
    "fast_api",
    "tornado",
    "wsgi",
]
"""And flask, which is shown unless another one is named."""


def is_shown(output: str) -> bool:
    return "Completed in" in output and "charged 12.50 for o-1" in output


@pytest.fixture(scope="module")
def main() -> Callable[[list[str]], int]:
    found: Callable[[list[str]], int] = runpy.run_path(str(DEMO))["main"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_demo_completes(
    transport: str, main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([transport])
    output = capsys.readouterr().out
    assert status == 0, output
    assert is_shown(output), output


@pytest.mark.parametrize(
    "output",
    [
        {"name": "ValueError", "message": "why", "stack": ""},
        {"error": {"name": "Error", "message": "why", "error": "why"}},
    ],
)
def test_a_demo_that_fails_says_why(output: object) -> None:
    """As the app tells it, and as the engine does when the app cannot be called."""
    ending = runpy.run_path(str(DEMO))["ending"]
    assert ending({"status": "Failed", "output": output}, 1.0) == "Failed in 1.00 s\nresult: why"


@pytest.mark.slow
def test_the_script_shows_flask() -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO)], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert is_shown(done.stdout), done.stdout


def test_every_example_is_shown() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    shown = {"django" if name == "django_asgi" else name for name in TRANSPORTS}
    assert {*shown, "flask"} <= folders
