"""Events are collected until a batch is full, or its time is over."""

from __future__ import annotations

import pytest

from inngest.dev import Engine
from inngest.dev._internal.conftest import App, bounded, config, running, send
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    data_of,
    done,
    work,
)
from inngest.dev._internal.model.values import Gate
from inngest.dev._internal.store.rows import dump
from inngest.dev._internal.store.store import Store


def test_a_batch_starts_when_it_is_full_and_when_its_time_is_over(app: App) -> None:
    batch = {"maxSize": 3, "timeout": "3s", "key": "event.data.k"}
    app.function(config("app-fn", "x", batchEvents=batch), done)

    async def go(engine: Engine) -> None:
        ids = [send(engine, "x", data={"i": i, "k": "a" if i != 1 else "b"}) for i in range(5)]
        await engine.settle()
        assert data_of(app) == [[0, 2, 3]]
        await engine.advance(2.9 * SECOND)
        assert len(app.calls) == 1
        await engine.advance(0.1 * SECOND)
        assert data_of(app)[1:] == [[1], [4]]
        of_member = [run.id for run in engine.store.runs(event_id=ids[3])]
        assert of_member == [app.calls[0]["ctx"]["run_id"]]
        assert engine.store.runs(event_id=ids[0])[0].id == of_member[0]

    work(app, go)


def test_what_a_batch_remembers_for_an_event_does_not_grow_with_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may be in one."""
    batch = {"maxSize": 150, "timeout": "60s"}
    app.function(config("app-fn", "x", batchEvents=batch), lambda b, t: (200, len(b["events"])))
    sizes: list[int] = []

    async def go() -> None:
        async with running(app) as engine:
            store = engine.store

            def save_gate(gate: Gate) -> None:
                sizes.append(len(dump(gate.state)))
                Store.save_gate(store, gate)

            monkeypatch.setattr(store, "save_gate", save_gate)
            for _ in range(350):
                send(engine, "x")
            await engine.settle()
            assert [run["output"] for run in engine.runs()] == [150, 150]
            assert max(sizes) < 100
            await engine.advance(60 * SECOND)
            assert engine.runs()[0]["output"] == 50

    bounded(go)


def test_an_event_that_is_not_to_be_batched_runs_alone_at_once(app: App) -> None:
    batch = {"maxSize": 3, "timeout": "3s", "if": "event.data.batch == true"}
    app.function(config("app-fn", "x", batchEvents=batch), done)

    async def go(engine: Engine) -> None:
        for i, batched in enumerate((True, False, True)):
            send(engine, "x", data={"i": i, "batch": batched})
        await engine.settle()
        assert data_of(app) == [[1]]
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[1], [0, 2]]

    work(app, go)
