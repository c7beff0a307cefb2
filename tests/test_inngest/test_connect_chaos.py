"""Whatever networks, gateways and APIs do, every run completes, and nothing is lost or repeated."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from .connect_platform import nothing_left
from .connect_storm import kinds, weather

SEED = 7


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "faults", "checkpointing"), [(100, 20, False), (40, 8, True)])
def test_a_storm(
    runs: int,
    faults: int,
    checkpointing: bool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A short one. ``python -m tests.test_inngest.connect_storm`` runs a long one."""
    caplog.set_level(logging.ERROR, "inngest.connect")
    with nothing_left():
        found = weather(runs, faults, SEED, tmp_path, checkpointing=checkpointing)
    shown = found.show()
    assert found.completed == found.runs == runs, shown
    assert found.total.count == faults, shown
    assert (found.total.lost, found.total.duplicated) == (0, 0), shown
    assert [each for each in caplog.records if each.name == "inngest.connect"] == []


def test_there_are_faults_of_every_kind() -> None:
    names = [kind.name for kind in kinds()]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("close ") for name in names) == 15
