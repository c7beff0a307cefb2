"""The runs that an event may wake or cancel are found by its values: no other than by asking all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inngest.dev._internal.conftest import config
from inngest.dev._internal.flow_control.keys import demanded, holds, offers
from inngest.dev._internal.function.registration import Registration, read_registration
from inngest.dev._internal.machine.runs import end, start
from inngest.dev._internal.model.values import Event, Function, Item, Transition
from inngest.dev._internal.store.store import Store

NOW = 1_800_000_000_000
VALUES: list[Any] = [None, True, False, 0, 1, 1.0, -1.5, "", "1", "a", [1], [], {"b": 1}, {}]
CONDITIONS = [
    "event.data.a == async.data.a",
    "async.data.a.b == event.data.a.b && async.data.n != event.data.n",
    "event.data.a == async.data.a && event.data.n == async.data.n",
    "async.data.a == 1",
    "event.data.a == async.data.a || async.data.n == true",
    "async.data.a in [event.data.a, event.data.n]",
]


def event(random: Random, name: str, number: int) -> Event:
    data = {field: random.choice(VALUES) for field in "an" if random.random() < 0.9}
    key = f"{name}-{number}"
    body = {"name": name, "data": data, "id": key, "ts": NOW}
    return Event(internal_id=key, received_at=NOW, body=body)


def function(store: Store) -> Function:
    functions = [config("app-fn", "x")]
    read = read_registration({"appName": "app", "url": "http://a/api", "functions": functions})
    assert isinstance(read, Registration)
    store.register("app", url=read.url, sdk="", checksum="", functions=read.functions, now=NOW)
    return read.functions[0]


def begin(store: Store, owner: Function, random: Random, number: int) -> None:
    """A run that waits."""
    first = event(random, "x", number)
    store.add_event(first)
    change = start([first], owner, NOW)
    condition = random.choice([None, *CONDITIONS])
    fields, wanted = demanded(condition, first) or (None, None)
    waits = Item(job_id=f"job-{number}", run_id=change.runs[0].id, kind="wait", step_id="w",
                 due=NOW, match="y", condition=condition, fields=fields, wanted=wanted)  # fmt: skip
    store.apply(Transition(runs=change.runs, items=[waits]))


def undone(store: Store, owner: Function, random: Random, number: int) -> None:
    with store.transaction():
        begin(store, owner, random, number)
        finish(store, random)
        raise ZeroDivisionError


def finish(store: Store, random: Random) -> None:
    run = store.run(random.choice(store.active_runs("app-fn")).id)
    assert run is not None
    change = Transition()
    end(change, run, "Completed", NOW)
    store.apply(change)


def asked(store: Store, came: Event) -> int:
    """Ask those that are found and all of them: how many were spared."""
    by_value = partial(offers, candidate=came)

    def woken(items: list[Item]) -> list[str]:
        return [item.job_id for item in items if is_true(item.condition, item.run_id)]

    def is_true(condition: str | None, run_id: str) -> bool:
        run = store.look_at(run_id)
        assert run is not None
        return condition is None or holds(condition, run.event, NOW, came)

    everybody = store.waiting("wait", "y")
    found = store.waits("y", by_value)
    assert woken(found) == woken(everybody)
    spared = len(everybody) - len(found)
    for condition in CONDITIONS[:5]:
        all_runs = [run.id for run in store.active_runs("app-fn")]
        few = [run.id for run in store.cancellable("app-fn", condition, by_value)]
        assert [r for r in few if is_true(condition, r)] == [
            r for r in all_runs if is_true(condition, r)
        ]
        spared += len(all_runs) - len(few)
    return spared


@pytest.mark.parametrize("seed", range(3))
def test_those_that_are_found_are_all_for_whom_the_event_is(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    store = Store(str(tmp_path / "engine.db"))
    owner = function(store)
    spared = 0
    for number in range(60):
        begin(store, owner, random, number)
        if random.random() < 0.4:
            finish(store, random)
        with pytest.raises(ZeroDivisionError):
            undone(store, owner, random, 1000 + number)
        if random.random() < 0.05:
            store.close()
            store = Store(str(tmp_path / "engine.db"))
        spared += asked(store, event(random, "y", number))
    store.close()
    assert spared > 500
