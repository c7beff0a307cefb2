"""A step's result has the type that its handler says, live and replayed."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import pydantic

from ..live import World


class Order(pydantic.BaseModel):
    """The output of a step."""

    id: str
    placed: datetime.date


def test_a_model_comes_back_as_a_model(world: World) -> None:
    seen: list[type] = []

    def load() -> Order:
        return Order(id="o-1", placed=datetime.date(2030, 1, 2))

    def body(ctx: Any) -> Any:
        handler: Any = functools.wraps(load)(world.step("load", load))
        order = yield ctx.step.run("load", handler)
        seen.append(type(order))
        yield ctx.step.sleep("nap", world.pause)
        return [order.id, order.placed.year]

    world.function("typed", body)
    run = world.run("typed")
    assert (run.status, run.output) == ("Completed", ["o-1", 2030])
    assert set(seen) == {Order}
