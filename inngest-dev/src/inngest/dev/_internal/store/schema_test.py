"""Files that an older version wrote are brought up to date, with what was under way."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inngest.dev import VirtualClock
from inngest.dev._internal.conftest import (
    URL,
    App,
    bounded,
    config,
    full_disk,
    hashed,
    op,
    running,
    send,
)
from inngest.dev._internal.flow_control.lanes import lanes
from inngest.dev._internal.machine.runs import settle_step
from inngest.dev._internal.model.values import Event, Transition
from inngest.dev._internal.store import schema
from inngest.dev._internal.store.database import Database
from inngest.dev._internal.store.store import Store

START = 1_800_000_000_000


def old_file(path: Path) -> None:
    """A run of `app-fn` that sleeps for an hour, as schema version 1 kept it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY)")
    db.executescript(schema.MIGRATIONS[0])
    db.execute("INSERT INTO migrations VALUES (1)")
    triggers = json.dumps([["x", "event.data.n > 0"]])
    function = ("app-fn", "uuid", "app", "fn", f"{URL}?fnId=app-fn&stepId=step", 1, triggers)
    db.execute("INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?)", function)
    event = json.dumps({"name": "x", "data": {"n": 1}, "id": "E", "ts": START})
    db.execute("INSERT INTO events VALUES ('E', 'x', ?, ?)", (START, event))
    db.execute(
        "INSERT INTO runs VALUES ('R', 'app-fn', 'E', 'E', 'Running', ?, ?, NULL, 'null', 2, 0)",
        (START, START),
    )
    db.execute(
        "INSERT INTO steps VALUES ('R', ?, 'nap', 'Sleep', 'pending', ?, NULL, 'null', NULL)",
        (hashed("nap"), START),
    )
    db.execute(
        "INSERT INTO items VALUES ('J', 'R', 'sleep', ?, ?, 0, 1, 0, 0, 0, NULL)",
        (hashed("nap"), START + 3_600_000),
    )
    db.close()


def test_a_run_of_an_older_file_goes_on(app: App, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old_file(path)
    app.scripts["app-fn"] = lambda b, t: (200, sorted(b["steps"]))

    async def go() -> None:
        async with running(app, db=str(path), clock=VirtualClock(START)) as engine:
            await engine.advance(timedelta(hours=1))
            run = await engine.wait_for_run("R")
            assert (run["status"], run["output"]) == ("Completed", [hashed("nap")])
            send(engine, "x", data={"n": 0})
            event_id = send(engine, "x", data={"n": 1})
            assert (await engine.wait_for_run(event_id))["output"] == []
            assert len(engine.runs()) == 2

    bounded(go)


def test_keys_of_an_older_file_are_those_that_its_events_say(app: App, tmp_path: Path) -> None:
    """They were stored by the places of the limits; this one's are of an earlier version."""
    path, key = tmp_path / "old.db", {"key": "event.data.n"}
    old_file(path)
    db = sqlite3.connect(path, isolation_level=None)
    for version, script in enumerate(schema.MIGRATIONS[1:7], start=2):
        db.executescript(script)
        db.execute("INSERT INTO migrations VALUES (?)", (version,))
    db.execute(
        "UPDATE functions SET options = ?",
        (json.dumps({"concurrency": [{"limit": 1, **key}], "singleton": {"mode": "skip", **key}}),),
    )
    db.execute("UPDATE runs SET keys = ?", ('{"concurrency": ["2.0"], "singleton": "2.0"}',))
    db.close()
    app.scripts["app-fn"] = lambda b, t: (206, [op("nap", "Sleep", opts={"duration": "1h"})])

    async def go() -> None:
        async with running(app, db=str(path), clock=VirtualClock(START)) as engine:
            for number in (1, 2):
                send(engine, "x", data={"n": number})
            await engine.settle()
            assert [call["event"]["data"]["n"] for call in app.calls] == [2]
            (function,) = engine.store.functions()
            runs = [run for each in engine.runs() if (run := engine.store.run(str(each["run_id"])))]
            named = {run.event.body["data"]["n"]: lanes(function, run)[0].name for run in runs}
            assert {number: name.split("\x1f")[3] for number, name in named.items()} == {
                1: "1.0",
                2: "2.0",
            }

    bounded(go)


def test_a_batch_of_an_older_file_is_filled_up(app: App, tmp_path: Path) -> None:
    """It keeps the ids of its events with its gate."""
    path = tmp_path / "old.db"
    batch = {"maxSize": 4, "timeout": "60s"}
    app.function(config("app-fn", "x", batchEvents=batch), lambda b, t: (200, numbers(b)))

    def numbers(body: dict[str, Any]) -> list[Any]:
        return [event["data"]["n"] for event in body["events"]]

    async def go() -> None:
        async with running(app, db=str(path), clock=VirtualClock(START)) as engine:
            ids = [send(engine, "x", data={"n": n}) for n in range(2)]
            store = engine.store
            (gate,) = store.all("SELECT state FROM gates")
            older = json.dumps({"job": json.loads(gate["state"])["job"], "events": ids})
            store._db.execute("UPDATE gates SET state = ?", (older,))
            store._db.execute("DELETE FROM collected")
        async with running(app, db=str(path), clock=VirtualClock(START)) as engine:
            for n in range(2, 7):
                send(engine, "x", data={"n": n})
            await engine.settle()
            await engine.advance(timedelta(minutes=1))
            assert [run["output"] for run in engine.runs()] == [[4, 5, 6], [0, 1, 2, 3]]
            assert engine.store.all("SELECT * FROM collected") == []

    bounded(go)


def test_a_new_file_has_the_tables_of_an_updated_one(tmp_path: Path) -> None:
    old_file(tmp_path / "old.db")
    Store(str(tmp_path / "old.db")).close()
    Store(str(tmp_path / "new.db")).close()
    shapes = []
    for name in ("old.db", "new.db"):
        db = sqlite3.connect(tmp_path / name)
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        shapes.append([row for row in db.execute(query) if row[0] != "migrations"])
        db.close()
    assert shapes[0] == shapes[1]


def test_options_of_functions_are_kept(app: App, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "concurrency": [{"limit": 2, "key": "event.data.k"}],
        "cancel": [{"event": "y"}],
    }
    settings = config("app-fn", "x", **options, triggers=[{"cron": "* * * * *", "jitter": "5s"}])
    app.function(settings, lambda b, t: (200, None))
    path = str(tmp_path / "engine.db")

    async def first() -> object:
        async with running(app, db=path) as engine:
            return engine.store.functions()

    before = bounded(first)
    store = Store(path)
    try:
        assert store.functions() == before
        assert store.functions()[0].options.cancel[0].event == "y"
        assert store.functions()[0].triggers[0].jitter == "5s"
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["call", "sleep", "cron"])
def test_only_cron_is_no_work(kind: str) -> None:
    store = Store()
    try:
        store._db.execute(
            "INSERT INTO items (job_id, run_id, kind, step_id, due, attempt, generation, current, "
            "plan_only, race) VALUES ('J', '', ?, '', 1, 0, 1, 0, 0, 0)",
            (kind,),
        )
        assert store.has_work() is (kind != "cron")
    finally:
        store.close()


def test_a_file_that_another_engine_uses_and_one_that_is_read_only_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "runs.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(schema.UnusableDatabaseError, match="locked: another engine uses it"):
        Database(path)
    other.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(schema.UnusableDatabaseError, match="it is read-only"):
        Database(path)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "its name is empty"),
        (".", "it is a directory"),
        ("no/such/x.db", "there is no directory"),
    ],
)
def test_a_name_that_is_no_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(schema.UnusableDatabaseError, match=problem):
        Database(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [10_000, 10_000_000], ids=["at the commit", "before it"])
def test_what_a_full_disk_did_not_take_is_forgotten(app: App, tmp_path: Path, size: int) -> None:
    path = tmp_path / "runs.db"
    app.function(
        config("app-fn", "x"), lambda b, t: (206, [op("nap", "Sleep", opts={"duration": "1h"})])
    )

    async def go() -> None:
        async with running(app, db=str(path), clock=VirtualClock(START)) as engine:
            send(engine, "x")
            await engine.settle()
            (found,) = engine.runs()
            run = engine.store.run(str(found["run_id"]))
            assert run is not None
            settle_step(Transition(), run, hashed("nap"), None, START)
            body = {"name": "y", "id": "E", "ts": START, "data": "x" * size}
            event = Event(internal_id="E", received_at=START, body=body)

            def save() -> None:
                with engine.store.transaction():
                    engine.store.save_run(run)
                    engine.store.add_event(event)

            with full_disk(path), pytest.raises(sqlite3.OperationalError, match="disk"):
                save()
            again = engine.store.run(run.id)
            assert again is not None and again.pending == {hashed("nap")}
            settle_step(Transition(), again, hashed("nap"), None, START)
            with engine.store.transaction():
                engine.store.save_run(again)

    bounded(go)
    store = Store(str(path))
    ((run_id,),) = store.all("SELECT id FROM runs")
    run = store.run(run_id)
    store.close()
    assert run is not None and run.stack == [hashed("nap")]


def other_file(path: Path, *statements: str) -> bytes:
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE users (name TEXT)"],
        ["CREATE TABLE events (id)"],
        ["CREATE TABLE migrations (version)", "INSERT INTO migrations VALUES (20240101)"],
        ["CREATE TABLE migrations (id, migration)", "CREATE TABLE runs (id)"],
        ["CREATE VIEW two AS SELECT 2"],
    ],
)
def test_a_database_of_something_else_is_refused_and_left_as_it_is(
    tmp_path: Path, statements: list[str]
) -> None:
    path = tmp_path / "shop.db"
    before = other_file(path, *statements)
    with pytest.raises(schema.UnusableDatabaseError, match="it belongs to another program"):
        Store(str(path))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["shop.db"]


def test_a_file_whose_first_start_was_cut_short_is_used(tmp_path: Path) -> None:
    other_file(tmp_path / "runs.db", "CREATE TABLE migrations (version INTEGER PRIMARY KEY)")
    store = Store(str(tmp_path / "runs.db"))
    assert store.runs() == []
    store.close()


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Store(str(path)).close()
    before = other_file(path, "INSERT INTO migrations VALUES (999)")
    with pytest.raises(schema.UnusableDatabaseError, match="Upgrade inngest-dev"):
        Store(str(path))
    assert path.read_bytes() == before


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = Store(str(path))
    with store.transaction():
        for n in range(100):
            body = {"name": "x", "id": str(n), "ts": START, "data": "x" * 1000}
            store.add_event(Event(internal_id=str(n), received_at=START, body=body))
    store.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 4096 // 2 * 4096
    content[middle : middle + 4096] = bytes(reversed(range(256))) * 16
    path.write_bytes(content)
    with pytest.raises(schema.UnusableDatabaseError, match="it is damaged: "):
        Store(str(path))


def test_nobody_else_reads_a_new_file(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        store = Store(str(tmp_path / "new.db"))
        store.close()
        store = Store(str(tmp_path / "new.db"))
        with store.transaction():
            store._db.execute("DELETE FROM events")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(umask)
    assert modes["new.db"] == 0o600
    assert set(modes.values()) == {0o600}
