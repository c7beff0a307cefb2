"""A worker does not grow over thousands of calls, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_MB = 5.0
SECONDS = 300.0
"""The timeout; it takes a few seconds on an idle machine."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_flat_and_nothing_is_left() -> None:
    """The benchmark with fewer calls than its default of 20,000."""
    script = str(ROOT / "benchmarks/connect.py")
    numbers = ("--calls", "1500", "--warm", "500")
    command = [sys.executable, "-W", "error", script, "memory", *numbers]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INNGEST_")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["growth_mb"] < MOST_MB, done.stdout
    assert found["left"] == {"tasks": 0, "threads": 0, "sockets": 0}
