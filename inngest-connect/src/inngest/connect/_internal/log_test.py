from __future__ import annotations

import logging

import pytest

from inngest.connect._internal import log
from inngest.connect._internal.effects import Log


def test_text_from_a_gateway_is_one_short_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = "gone\nERROR \x1b[2Jall is well"
    log.write(Log("disconnected", logging.WARNING, {"reason": said, "app": "x" * 100_000}))
    (line,) = caplog.messages
    assert line.startswith("connect: disconnected reason=gone\\nERROR \\x1b[2Jall is well app=xxx")
    assert len(line) < 1000
    (record,) = caplog.records
    assert record.inngest["reason"] == said  # type: ignore[attr-defined]


def test_lists_are_not_truncated(caplog: pytest.LogCaptureFixture) -> None:
    lost = [f"request-{number}" for number in range(1000)]
    log.write(Log("aborted", logging.ERROR, {"unfinished": lost}))
    assert "request-0" in caplog.text and "request-999" in caplog.text
