"""Copies of runs: each may be changed, and costs no more for what is left as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inngest.dev._internal.machine.runs import settle_step
from inngest.dev._internal.model.values import Event, Run, Step, Transition
from inngest.dev._internal.store.store import Store

NOW = 1_800_000_000_000


@pytest.fixture
def store() -> Iterator[Store]:
    """One run, whose steps are planned."""
    store = Store()
    event = Event(
        internal_id="E", received_at=NOW, body={"name": "x", "data": {}, "id": "E", "ts": NOW}
    )
    run = Run(id="R", function_id="app-fn", events=(event,), status="Running", created_at=NOW)
    run.steps = {
        name: Step(id=name, name=name, op="StepPlanned", state="pending", created_at=NOW)
        for name in ("a", "b", "c")
    }
    store.add_event(event)
    store.save_run(run)
    yield store
    store.close()


def copy_of(store: Store) -> Run:
    run = store.run("R")
    assert run is not None
    return run


def test_a_copy_shares_the_steps_that_it_does_not_change(store: Store) -> None:
    """There are as many copies of a run as it has calls: of all steps they took longest."""
    run, other = copy_of(store), copy_of(store)
    settle_step(Transition(), run, "b", {"data": 1}, NOW)
    assert [name for name in run.steps if run.steps[name] is not other.steps[name]] == ["b"]


def test_what_is_changed_and_not_stored_leaves_no_trace(store: Store) -> None:
    settle_step(Transition(), copy_of(store), "a", {"data": 1}, NOW)
    run = copy_of(store)
    assert (run.steps["a"].state, run.steps["a"].memo, run.stack) == ("pending", None, [])
    assert run.pending == {"a", "b", "c"}
    settle_step(Transition(), run, "a", {"data": 2}, NOW)
    store.save_run(run)
    assert copy_of(store).pending == {"b", "c"}
    assert copy_of(store).memos == {"a": {"data": 2}}
