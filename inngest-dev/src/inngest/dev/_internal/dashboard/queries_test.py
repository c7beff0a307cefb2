"""What the dashboard asks for again and again costs the same, however many runs there were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from inngest.dev._internal.dashboard.queries import RunFilter, counts, event_names, runs_page
from inngest.dev._internal.model.values import Event, Run, RunStatus
from inngest.dev._internal.store.store import Store

STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
ACTIVE = ("Scheduled", "Running")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def add(store: Store, name: str, number: int) -> Event:
    body = {"name": name, "id": f"{name}-{number}", "ts": 0, "data": {"n": number}}
    event = Event(internal_id=f"{name}-{number}", received_at=0, body=body)
    store.add_event(event)
    return event


def test_runs_are_counted_and_found_by_their_status(store: Store) -> None:
    assert counts(store, RunFilter()) == {}
    runs: list[Run] = []
    for number, status in enumerate(STATUSES, start=1):
        for n in range(number):
            event = add(store, f"{status}", n)
            run = Run(id=event.key, function_id="fn", events=(event,), status="Scheduled",
                      created_at=0)  # fmt: skip
            store.save_run(run)
            run.status, run.ended_at = status, None if status in ACTIVE else 5
            store.save_run(run)
            runs.append(run)
    assert counts(store, RunFilter()) == {
        status: number for number, status in enumerate(STATUSES, start=1)
    }
    for status in STATUSES:
        found = {row["run_id"] for row in runs_page(store, RunFilter(status=status))}
        assert found == {run.id for run in runs if run.status == status}


def test_each_name_has_its_last_event(store: Store) -> None:
    for number in range(3):
        for name in ("shop/b", "inngest/function.finished", "a", "shop/a"):
            add(store, name, number)
    add(store, "shop/a", 3)
    assert event_names(store) == [
        {"name": "a", "last": "a-2"},
        {"name": "shop/a", "last": "shop/a-3"},
        {"name": "shop/b", "last": "shop/b-2"},
    ]


def test_no_table_is_read_from_end_to_end(store: Store) -> None:
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    counts(store, RunFilter())
    event_names(store)
    for status in STATUSES:
        if status != "Completed":  # most are, and the newest are found at once
            runs_page(store, RunFilter(status=status))
    store._db.set_trace_callback(None)
    assert len(asked) == 9
    plans = [
        (sql, row["detail"])
        for sql in asked
        for row in store.all(f"EXPLAIN QUERY PLAN {sql}", *[None] * sql.count("?"))
    ]
    scans = [each for each in plans if each[1].startswith("SCAN") and each[1] != "SCAN names"]
    assert [each for each in scans if "USING INDEX" not in each[1]] == []
