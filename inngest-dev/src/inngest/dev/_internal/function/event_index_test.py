"""Which functions an event may concern: those of its name, and no others are looked at."""

from __future__ import annotations

from typing import Any

import pytest

from inngest.dev._internal.conftest import App, bounded, config, running, send
from inngest.dev._internal.function.event_index import EventIndex
from inngest.dev._internal.function.options import Options, read_options
from inngest.dev._internal.machine import reception
from inngest.dev._internal.model.values import Event, Function, Trigger


def function(name: str, *events: str, **fields: Any) -> Function:
    options = read_options(fields)
    assert isinstance(options, Options), options
    return Function(id=name, uuid=name, app="app", name=name, url="http://x", max_attempts=1,
                    triggers=tuple(Trigger(event=event) for event in events),
                    options=options)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("shop/paid", ["both", "exact", "wild"]),
        ("shop/", ["both", "wild"]),
        ("shop", []),
        ("shop/order.paid", ["both", "dotted", "wild"]),
        ("other", ["cancelled"]),
        ("*", []),
    ],
)
def test_an_event_concerns_those_that_name_it(name: str, found: list[str]) -> None:
    functions = [
        function("both", "shop/paid", "shop/*"),
        function("cancelled", "never", cancel=[{"event": "other"}]),
        function("dotted", "shop/order.*"),
        function("exact", "shop/paid"),
        function("wild", "shop/*"),
    ]
    assert [each.id for each in EventIndex(functions).of(name)] == found


def test_functions_that_do_not_name_an_event_are_not_looked_at(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, matches = [], reception.matches

    def counted(trigger: Trigger, event: Event, now: int) -> bool:
        looked.append(trigger.event)
        return matches(trigger, event, now)

    monkeypatch.setattr(reception, "matches", counted)
    for number in range(100):
        app.function(config(f"app-{number}", f"go/{number}"), lambda b, t: (200, None))

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "go/7")
            await engine.settle()
            assert [run["function_id"] for run in engine.runs()] == ["app-7"]
            assert looked == ["go/7"]

    bounded(go)
