"""A run starts when events stop coming, with the last of them."""

from __future__ import annotations

from inngest.dev import Engine
from inngest.dev._internal.conftest import App, config, send
from inngest.dev._internal.flow_control.conftest import (
    SECOND,
    data_of,
    done,
    work,
)


def test_a_debounce_starts_one_run_with_the_last_event_of_each_key(app: App) -> None:
    debounce = {"period": "2s", "key": "event.data.k"}
    app.function(config("app-fn", "x", debounce=debounce), done)

    async def go(engine: Engine) -> None:
        for i in range(3):
            send(engine, "x", data={"i": i, "k": "a"})
            await engine.advance(1 * SECOND)
        send(engine, "x", data={"i": 9, "k": "b"})
        await engine.advance(1 * SECOND)
        assert data_of(app) == [[2]]
        await engine.advance(1 * SECOND)
        assert data_of(app) == [[2], [9]]
        assert len(engine.runs()) == 2

    work(app, go)


def test_a_debounce_waits_no_longer_than_its_timeout(app: App) -> None:
    app.function(config("app-fn", "x", debounce={"period": "3s", "timeout": "5s"}), done)

    async def go(engine: Engine) -> None:
        for i in range(9):
            send(engine, "x", data={"i": i})
            await engine.advance(1.001 * SECOND)
        assert data_of(app) == [[4]]
        await engine.advance(3 * SECOND)
        assert data_of(app) == [[4], [8]]

    work(app, go)


def test_one_event_id_starts_a_debounced_function_once_whatever_its_keys_are(app: App) -> None:
    debounce = {"period": "10s", "key": "event.data.k"}
    app.function(config("app-fn", "x", debounce=debounce), done)

    async def go(engine: Engine) -> None:
        for i, key in enumerate("ab"):
            send(engine, "x", id="same", data={"i": i, "k": key})
            await engine.advance(SECOND)
        await engine.advance(60 * SECOND)
        assert data_of(app) == [[0]]

    work(app, go)
