"""Every example runs: `make demo TRANSPORT=…` shows its run to the end."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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
    "flask",
    "tornado",
    "wsgi",
]


def show(transport: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO), transport]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture(scope="module")
def shown() -> dict[str, subprocess.CompletedProcess[str]]:
    """All at once: a demo mostly waits."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(TRANSPORTS, pool.map(show, TRANSPORTS), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_demo_completes(
    transport: str, shown: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    done = shown[transport]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Completed in" in done.stdout
    assert "charged 12.50 for o-1" in done.stdout


def test_every_example_is_shown() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    shown = {"django" if name == "django_asgi" else name for name in TRANSPORTS}
    assert shown <= folders
