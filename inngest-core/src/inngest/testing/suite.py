"""What suites share: an environment that says nothing, and the kinds of functions."""

from __future__ import annotations

import os
from typing import Literal

import pytest

Kind = Literal["sync", "async"]


class Suite:
    """Tests that do not depend on how the machine is set up."""

    @pytest.fixture(autouse=True)
    def _no_surroundings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the machine is set up for, a test says what it wants."""
        for name in [name for name in os.environ if name.startswith("INNGEST_")]:
            monkeypatch.delenv(name)


class FunctionSuite(Suite):
    """Tests with an argument ``kind`` run once for each kind of function that is claimed."""

    runs_sync = True
    """It is for sync functions."""
    runs_async = True
    """It is for async functions."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test for each kind of function."""
        if "kind" in metafunc.fixturenames:
            kinds = [*["sync"] * self.runs_sync, *["async"] * self.runs_async]
            metafunc.parametrize("kind", kinds)


__all__ = ["FunctionSuite", "Kind", "Suite"]
