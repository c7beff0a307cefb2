"""Histories are played against changed code, and tell what is not as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from inngest import Context, ContextSync, Event, Function, Inngest, StepError, TriggerEvent
from inngest.dev.testing import NonDeterminismError, VirtualEngine, check_history

Code = Callable[[ContextSync], Any]


@pytest.fixture
def client() -> Iterator[Inngest]:
    client = Inngest(app_id="shop")
    yield client
    client.close()


def declared(client: Inngest, code: Callable[[Any], Any]) -> Function[Any]:
    trigger = TriggerEvent(event="order/placed")
    return client.create_function(fn_id="fn", trigger=trigger, retries=0)(code)


def recorded(client: Inngest, code: Callable[[Any], Any], days: int = 30) -> dict[str, Any]:
    with VirtualEngine(client, [declared(client, code)]) as engine:
        run = engine.send(Event(name="order/placed", data={"n": 1}))
        engine.advance(timedelta(days=days))
        exported: dict[str, Any] = json.loads(json.dumps(run.export()))
        return exported


def old(ctx: ContextSync) -> int:
    a = ctx.step.run("a", lambda: 1)
    ctx.step.sleep("rest", timedelta(days=7))
    try:
        ctx.step.run("fails", fail)
    except StepError:
        return ctx.step.run("b", lambda: a + 1)
    return 0


def fail() -> None:
    raise ValueError("no")


def never() -> int:
    raise AssertionError("executed in a replay")


def same(ctx: ContextSync) -> int:
    a = ctx.step.run("a", never)
    ctx.step.sleep("rest", timedelta(days=1))
    try:
        ctx.step.run("fails", never)
    except StepError:
        return ctx.step.run("b", never) + a
    return 0


def without(ctx: ContextSync) -> int:
    return ctx.step.run("a", never)


def renamed(ctx: ContextSync) -> None:
    ctx.step.run("first", never)


def moved(ctx: ContextSync) -> None:
    ctx.step.run("a", never)
    ctx.step.run("b", never)
    ctx.step.sleep("rest", timedelta(days=7))


def another_kind(ctx: ContextSync) -> None:
    ctx.step.run("a", never)
    ctx.step.run("rest", never)


def longer(ctx: ContextSync) -> None:
    same(ctx)
    ctx.step.run("c", never)


def broken(ctx: ContextSync) -> None:
    ctx.step.run("a", never)
    raise KeyError("a")


def test_code_that_does_the_same_passes(client: Inngest) -> None:
    for days in (0, 30):
        history = recorded(client, old, days)
        check_history(history, client, [declared(client, old)])
        check_history(history, client, [declared(client, same)])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (without, 'after "a": the next step was "rest" (Sleep); the code returns'),
        (renamed, 'at the start: the next step was "a" (StepRun); the code asks for "first"'),
        (moved, 'after "a": the next step was "rest" (Sleep); the code asks for "b"'),
        (another_kind, 'after "a": "rest" was Sleep, and is StepPlanned now'),
        (longer, 'after "b": the run ended; the code asks for "c"'),
        (broken, 'after "a": the next step was "rest" (Sleep); the code raises KeyError'),
    ],
)
def test_what_changed_is_said(client: Inngest, code: Code, told: str) -> None:
    with pytest.raises(NonDeterminismError) as caught:
        check_history(recorded(client, old), client, [declared(client, code)])
    assert told in str(caught.value)


def test_a_run_that_waits_has_to_wait_on(client: Inngest) -> None:
    history = recorded(client, old, 0)
    assert (history["status"], [s["name"] for s in history["pending"]]) == ("Running", ["rest"])
    with pytest.raises(NonDeterminismError, match='the next step was "rest"'):
        check_history(history, client, [declared(client, without)])


def test_parallel_steps_of_async_functions(client: Inngest) -> None:
    async def one() -> int:
        return 1

    async def parallel(ctx: Context) -> Any:
        steps = [lambda n=n: ctx.step.run(f"p{n}", one) for n in range(3)]
        return await ctx.group.parallel(tuple(steps))

    async def serial(ctx: Context) -> Any:
        return [await ctx.step.run(f"p{n}", one) for n in reversed(range(3))]

    history = recorded(client, parallel)
    assert history["status"] == "Completed"
    check_history(history, client, [declared(client, parallel)])
    with pytest.raises(NonDeterminismError, match="the next step was"):
        check_history(history, client, [declared(client, serial)])


def test_an_end_of_another_kind_is_told(client: Inngest) -> None:
    history = recorded(client, lambda ctx: 1)
    with pytest.raises(NonDeterminismError, match="the run was Completed; the code raises"):
        check_history(history, client, [declared(client, lambda ctx: fail())])


def test_what_is_no_history_of_these_functions_is_refused(client: Inngest) -> None:
    fn = declared(client, old)
    others: tuple[Any, ...] = ({}, [], "history", None)
    for bad in others:
        with pytest.raises(ValueError, match="not a history"):
            check_history(bad, client, [fn])
    whole = recorded(client, old)
    for part, says in (
        ({"version": whole["version"]}, "function_id, run_id, status, steps, pending, events"),
        ({**whole, "steps": None}, "not a whole history: steps"),
        ({**whole, "events": []}, "not a whole history: events"),
        ({**whole, "steps": [{"id": "a"}]}, "not a whole history: steps"),
        ({**whole, "steps": ["a"]}, "not a whole history: steps"),
        ({**whole, "pending": [{"id": "a", "name": "a", "op": "Sleep", "more": 1}]}, "pending"),
    ):
        with pytest.raises(ValueError, match=says):
            check_history(part, client, [fn])
    history = {**recorded(client, old), "function_id": "shop-other"}
    with pytest.raises(ValueError, match="of shop-other; the functions are shop-fn"):
        check_history(history, client, [fn])
    assert client.is_production, "left as it was"
