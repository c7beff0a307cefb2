"""What the suites share: a clean environment, and parametrization by kind of function."""

from __future__ import annotations

import os
from typing import Literal

import pytest

Kind = Literal["sync", "async"]


class Suite:
    """Tests that are independent of the machine's environment variables."""

    @pytest.fixture(autouse=True)
    def _no_surroundings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Unset all ``INNGEST_`` environment variables."""
        for name in [name for name in os.environ if name.startswith("INNGEST_")]:
            monkeypatch.delenv(name)


class FunctionSuite(Suite):
    """Runs each test with an argument ``kind`` for each supported kind of function."""

    runs_sync = True
    """Whether the tested object supports sync functions."""
    runs_async = True
    """Whether the tested object supports async functions."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize ``kind``."""
        if "kind" in metafunc.fixturenames:
            kinds = [*["sync"] * self.runs_sync, *["async"] * self.runs_async]
            metafunc.parametrize("kind", kinds)


__all__ = ["FunctionSuite", "Kind", "Suite"]
