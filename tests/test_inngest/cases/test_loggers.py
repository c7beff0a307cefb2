"""What a function logs is logged once, however often it is replayed."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ..live import World


def test_lines_before_finished_steps_are_not_repeated(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def body(ctx: Any) -> Any:
        ctx.logger.info("begins %s", world.app_id)
        yield ctx.step.run("work", world.step("work"))
        ctx.logger.info("worked %s", world.app_id)
        yield ctx.step.sleep("nap", world.pause)
        ctx.logger.info("ends %s", world.app_id)

    world.client.set_logger(logging.getLogger("case"))
    world.function("logs", body)
    with caplog.at_level(logging.INFO, "case"):
        run = world.run("logs")
    assert run.status == "Completed"
    lines = [record.getMessage() for record in caplog.records if record.name == "case"]
    assert lines == [f"{what} {world.app_id}" for what in ("begins", "worked", "ends")]
