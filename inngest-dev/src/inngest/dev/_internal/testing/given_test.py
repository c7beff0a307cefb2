"""What tests hand to an engine is checked when they do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from inngest import ContextSync, Event, Function, Inngest, TriggerEvent
from inngest.dev.testing import AsyncVirtualEngine, RefusedError, VirtualEngine

ORDER = Event(name="order/placed")


@pytest.fixture
def client() -> Iterator[Inngest]:
    client = Inngest(app_id="shop")
    yield client
    client.close()


def taking(client: Inngest) -> Function[Any]:
    """Takes any data."""

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> None:
        return None

    return fn


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (object(), "must be a mapping"),
        ([1], "must be a mapping"),
        ("", "must be a mapping"),
        ({1: 2}, "all keys must be strings"),
        ({"n": float("nan")}, r"\.n: JSON has neither NaN nor infinity"),
        ({"n": object()}, r"\.n: a object is not JSON"),
    ],
)
def test_a_function_is_invoked_with_what_a_client_could_send(
    client: Inngest, data: Any, says: str
) -> None:
    with VirtualEngine(client, [taking(client)]) as engine:
        with pytest.raises(RefusedError, match=f"^data.*{says}"):
            engine.invoke("shop-fn", data)
        run = engine.invoke("shop-fn", {"at": date(2026, 1, 2), "ids": (1, 2)})
        assert run.events[0].data["at"] == "2026-01-02"
        assert run.events[0].data["ids"] == [1, 2]


def test_a_signal_has_what_a_client_could_send(client: Inngest) -> None:
    @client.create_function(fn_id="fn", trigger=TriggerEvent(event=ORDER.name))
    def fn(ctx: ContextSync) -> object:
        signal = ctx.step.wait_for_signal("wait", signal="go", timeout="1h")
        return signal and signal.data

    with VirtualEngine(client, [fn]) as engine:
        run = engine.send(ORDER)
        with pytest.raises(RefusedError, match=r"^data\.go: a object is not JSON"):
            engine.signal("go", object())
        assert engine.signal("go", date(2026, 1, 2))
        assert run.output == "2026-01-02"


def test_a_stub_stands_in_for_a_step(client: Inngest) -> None:
    fn: Any = taking(client)
    with VirtualEngine(client, [fn]) as engine:
        with pytest.raises(TypeError, match="the id of a step, not <"):
            engine.stub(fn, "paid")
        with pytest.raises(TypeError, match="needs an outcome"):
            engine.stub("pay")


def test_an_engine_that_was_not_entered_says_so_and_takes_no_client(client: Inngest) -> None:
    functions = [taking(client)]

    async def forgetful() -> None:
        engine = AsyncVirtualEngine()
        uses = (
            lambda: engine.serve(client, functions),
            lambda: engine.send(ORDER),
            lambda: engine.advance(timedelta(days=1)),
        )
        for use in uses:
            with pytest.raises(RuntimeError, match="this engine is not open"):
                await use()

    asyncio.run(forgetful())
    with VirtualEngine(client, functions) as engine:
        assert engine.send(ORDER).output is None


def test_another_thread_than_the_engine_s_uses_the_client(client: Inngest) -> None:
    with VirtualEngine(client, [taking(client)]) as engine, ThreadPoolExecutor(1) as other:
        with pytest.raises(RuntimeError, match="used on the thread that made it"):
            other.submit(engine.send, ORDER).result(60)
        other.submit(client.send_sync, ORDER).result(60)
        engine.settle()
        assert [run.status for run in engine.runs()] == ["Completed"]
