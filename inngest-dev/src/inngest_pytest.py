"""The pytest plugin of `inngest-dev`: engines as fixtures, timelines of failed tests.

pytest imports it in every run of every project with the wheel installed. So it is a module
outside the package `inngest`, and imports that only when a fixture is used.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from inngest.dev._internal.testing.factory import EngineFactory

_REPORTING = "inngest.dev._internal.testing.reporting"


@pytest.fixture
def inngest_engine() -> Iterator[EngineFactory]:
    """Make engines, `inngest_engine(client, functions)`, that are closed with the test."""
    from inngest.dev._internal.testing.factory import EngineFactory

    with EngineFactory() as factory:
        yield factory


def pytest_runtest_setup() -> None:
    reporting = sys.modules.get(_REPORTING)
    if reporting is not None:
        reporting.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[Any],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    reporting = sys.modules.get(_REPORTING)
    if reporting is not None and call.when == "call" and report.failed:
        text = reporting.report()
        if text:
            report.sections.append(("Inngest runs", _writable(text)))
    return report


def _writable(text: str) -> str:
    """Escape characters that the terminal's encoding lacks; pytest would also escape newlines."""
    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
