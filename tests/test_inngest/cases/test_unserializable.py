"""What JSON cannot say is a final error that names the culprit."""

from __future__ import annotations

from typing import Any

import pytest

from ..live import World


@pytest.mark.parametrize("value", [float("nan"), object()], ids=["nan", "object"])
@pytest.mark.parametrize("is_in_step", [True, False], ids=["step", "function"])
def test_a_result_that_is_not_json(world: World, value: Any, is_in_step: bool) -> None:
    def body(ctx: Any) -> Any:
        if is_in_step:
            yield ctx.step.run("odd", world.step("odd", lambda: value))
        return value

    world.function("unserializable", body)
    run = world.run("unserializable")
    assert run.status == "Failed"
    assert ("odd" if is_in_step else "unserializable") in str(run.output)
    assert world.calls == (["odd"] if is_in_step else [])
