"""`import inngest` is cheap: no framework, no client library, no scan of entry points."""

from __future__ import annotations

import subprocess
import sys

BANNED = [
    "asgiref",
    "django",
    "fastapi",
    "flask",
    "google.protobuf",
    "httpx",
    "importlib_metadata",
    "rich",
    "starlette",
    "tornado",
    "uvicorn",
    "websockets",
]

PROGRAM = """
import importlib.metadata, sys

def entry_points(*args, **kwargs):
    raise AssertionError("entry points were scanned")

importlib.metadata.entry_points = importlib.metadata.distributions = entry_points
import inngest
print("\\n".join(sys.modules))
"""


def loaded_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_loads_no_framework_and_scans_nothing() -> None:
    loaded = loaded_by(PROGRAM)
    assert "inngest" in loaded
    assert sorted(loaded.intersection(BANNED)) == []


def test_import_loads_core_only() -> None:
    portions = {name.split(".")[1] for name in loaded_by(PROGRAM) if name.startswith("inngest.")}
    assert sorted(portions - {"_internal", "experimental", "plugins", "testing"}) == []
