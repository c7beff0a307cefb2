"""The page of the engine's semantics names tests and recordings that exist, in every row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/engine-semantics.md"
RECORDINGS = ROOT / "tests/recordings"
ROW = re.compile(r"^\| (?!semantic)(?P<what>[^|]+) \| (?P<tests>[^|]+) \| (?P<sources>[^|]+) \|$")
FOLDERS = ("inngest-dev/src", "tests/test_inngest")


PLAYED = "".join(
    path.read_text("utf-8")
    for pattern in ("tests/test_inngest/golden/*.py", "inngest-dev/src/**/*_test.py")
    for path in ROOT.glob(pattern)
)
"""Where recordings are played, or compared."""


def rows() -> list[tuple[str, list[str], list[str]]]:
    found = (ROW.match(line) for line in PAGE.read_text("utf-8").splitlines())
    return [
        (
            row["what"],
            re.findall(r"`([^`]+)`", row["tests"]),
            re.findall(r"`(\w+)`", row["sources"]),
        )
        for row in found
        if row
    ]


def files(stem: str) -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob(f"{stem}.py")]


@pytest.mark.parametrize(("what", "tests", "recordings"), rows(), ids=[row[0] for row in rows()])
def test_every_row_tells_the_truth(what: str, tests: list[str], recordings: list[str]) -> None:
    assert tests, "nothing tests it"
    for name in tests:
        stem, _, test = name.partition("::")
        defined = re.compile(rf"^\s*(async )?def {re.escape(test)}\(", re.MULTILINE)
        assert any(defined.search(path.read_text("utf-8")) for path in files(stem)), f"no {name}"
    for recording in recordings:
        assert (RECORDINGS / f"{recording}.json").exists(), f"no recording {recording}"
        assert f'"{recording}"' in PLAYED or f"{recording}.json" in PLAYED, (
            f"{recording} is not used"
        )


def test_the_table_is_read() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    headers = [line for line in lines if line.startswith("| semantic")]
    assert len(rows()) == len(lines) - len(headers) > 40
