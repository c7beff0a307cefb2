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
from inngest.dev._internal.conftest import URL, App, bounded, config, hashed, running, send
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
