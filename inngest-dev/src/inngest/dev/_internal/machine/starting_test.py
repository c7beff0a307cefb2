"""Which events start runs, on the virtual clock: triggers, rate limits, singletons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inngest.dev import Engine
from inngest.dev._internal.conftest import App, config, send
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    data_of,
    done,
    nap,
    statuses,
    work,
)
from inngest.dev._internal.store.runs import StoredRuns


def test_every_function_that_is_triggered_gets_its_own_run(app: App) -> None:
    app.function(config("app-exact", "shop/order.paid"), done)
    app.function(config("app-wild", "shop/*"), done)
    app.function(config("app-dotted", "shop/order.*"), done)
    app.function(config("app-other", "shop/orders.*"), done)
    costly = [{"event": "shop/order.paid", "expression": "event.data.price > 10"}]
    app.function(config("app-costly", "", triggers=costly), done)

    async def go(engine: Engine) -> None:
        send(engine, "shop/order.paid", data={"price": 5})
        await engine.settle()
        first = {run["function_id"] for run in engine.runs()}
        assert first == {"app-exact", "app-wild", "app-dotted"}
        event_id = send(engine, "shop/order.paid", data={"price": 50})
        await engine.settle()
        started = {run["function_id"] for run in engine.runs() if run["event_id"] == event_id}
        assert started == first | {"app-costly"}

    work(app, go)


def test_one_event_id_starts_a_function_once_a_day(app: App) -> None:
    app.function(config("app-fn", "x"), done)

    async def go(engine: Engine) -> None:
        for _ in range(2):
            send(engine, "x", id="same")
        await engine.settle()
        assert len(engine.runs()) == 1
        await engine.advance(timedelta(hours=24))
        send(engine, "x", id="same")
        await engine.settle()
        assert len(engine.runs()) == 2

    work(app, go)


def test_a_future_ts_delays_the_start(app: App) -> None:
    app.function(config("app-fn", "x"), done)

    async def go(engine: Engine) -> None:
        send(engine, "x", ts=engine.clock.now() + 5000)
        await engine.advance(4.9 * SECOND)
        assert app.calls == []
        await engine.advance(0.1 * SECOND)
        assert len(app.calls) == 1

    work(app, go)


def test_a_rate_limit_drops_what_comes_too_early(app: App) -> None:
    limit = {"limit": 2, "period": "5s", "key": "event.data.k"}
    app.function(config("app-fn", "x", rateLimit=limit), done)

    async def go(engine: Engine) -> None:
        for i in range(4):
            send(engine, "x", data={"i": i, "k": "a"})
        send(engine, "x", data={"i": 7, "k": "b"})
        await engine.settle()
        assert data_of(app) == [[0], [7]]
        await engine.advance(6 * SECOND)
        assert len(app.calls) == 2, "what was dropped is lost"
        send(engine, "x", data={"i": 10, "k": "a"})
        await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 11, "k": "a"})
        await engine.settle()
        assert data_of(app)[2:] == [[10]]

    work(app, go)


def test_an_idempotency_key_starts_one_run_a_day(app: App) -> None:
    settings = config(
        "app-fn", "x", idempotency="event.data.id", rateLimit={"limit": 9, "period": "1s"}
    )
    app.function(settings, done)

    async def go(engine: Engine) -> None:
        for i, key in enumerate("xxy"):
            send(engine, "x", data={"i": i, "id": key})
        await engine.settle()
        assert data_of(app) == [[0], [2]]
        await engine.advance(timedelta(hours=24))
        send(engine, "x", data={"i": 3, "id": "x"})
        await engine.settle()
        assert data_of(app)[2:] == [[3]]

    work(app, go)


def test_a_singleton_skips_while_a_run_of_its_key_is_active(app: App) -> None:
    singleton = {"mode": "skip", "key": "event.data.k"}
    app.function(config("app-fn", "x", singleton=singleton), nap("3s"))

    async def go(engine: Engine) -> None:
        for i, key in enumerate((1, 1, 2)):
            send(engine, "x", data={"i": i, "k": key})
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[0], [2]]
        send(engine, "x", data={"i": 3, "k": 1})
        await engine.settle()
        assert data_of(app)[2:] == [[3]]

    work(app, go)


def test_a_singleton_cancels_the_active_run(app: App) -> None:
    app.function(config("app-fn", "x", singleton={"mode": "cancel"}), nap("3s"))

    async def go(engine: Engine) -> None:
        send(engine, "x", data={"i": 0})
        await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 1})
        await engine.settle()
        assert statuses(engine) == ["Cancelled", "Running"]
        await engine.advance(3 * SECOND)
        assert statuses(engine) == ["Cancelled", "Completed"]

    work(app, go)


def test_a_singleton_looks_at_no_run_of_another_key(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.function(
        config("app-fn", "x", singleton={"mode": "skip", "key": "event.data.i"}), nap("1h")
    )

    async def go(engine: Engine) -> None:
        monkeypatch.delattr(StoredRuns, "active_runs")
        for i in (1, 2, 1):
            send(engine, "x", data={"i": i})
        await engine.settle()
        assert data_of(app) == [[1], [2]]

    work(app, go)
