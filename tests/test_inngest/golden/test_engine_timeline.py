"""Recordings, against our engine, at their recorded times."""

from __future__ import annotations

import pytest

from .engine_plans import PLANS
from .engine_timeline import Timeline


@pytest.mark.parametrize("name", sorted(PLANS))
def test_the_engine_does_what_is_recorded_when_it_is_recorded(name: str) -> None:
    replay = Timeline(name=name, plan=PLANS[name])
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared
