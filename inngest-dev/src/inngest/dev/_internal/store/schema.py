"""The schema of the store, and its migrations."""

from __future__ import annotations

import atexit
import functools
import sqlite3
import threading

MIGRATIONS = (
    """
    CREATE TABLE apps (
        name TEXT PRIMARY KEY, url TEXT NOT NULL, sdk TEXT NOT NULL,
        checksum TEXT NOT NULL, synced_at INTEGER NOT NULL
    );
    CREATE TABLE functions (
        id TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, app TEXT NOT NULL,
        name TEXT NOT NULL, url TEXT NOT NULL, max_attempts INTEGER NOT NULL,
        triggers TEXT NOT NULL
    );
    CREATE TABLE events (
        internal_id TEXT PRIMARY KEY, name TEXT NOT NULL,
        received_at INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX events_by_name ON events (name);
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, function_id TEXT NOT NULL, event_id TEXT NOT NULL,
        event_key TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL,
        started_at INTEGER, ended_at INTEGER, output TEXT, version INTEGER NOT NULL,
        plan_only INTEGER NOT NULL
    );
    CREATE INDEX runs_by_event ON runs (event_id);
    CREATE INDEX runs_by_key ON runs (function_id, event_key, created_at);
    CREATE TABLE steps (
        run_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, op TEXT NOT NULL,
        state TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER,
        memo TEXT, position INTEGER, PRIMARY KEY (run_id, id)
    );
    CREATE TABLE items (
        job_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, kind TEXT NOT NULL,
        step_id TEXT NOT NULL, due INTEGER NOT NULL, attempt INTEGER NOT NULL,
        generation INTEGER NOT NULL, current INTEGER NOT NULL, plan_only INTEGER NOT NULL,
        race INTEGER NOT NULL, match TEXT
    );
    CREATE INDEX items_by_due ON items (due);
    CREATE INDEX items_by_run ON items (run_id);
    CREATE INDEX items_by_match ON items (kind, match);
    CREATE TABLE attempts (
        number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, job_id TEXT NOT NULL,
        step_id TEXT NOT NULL, attempt INTEGER NOT NULL, started_at INTEGER NOT NULL,
        ended_at INTEGER NOT NULL, outcome TEXT NOT NULL, body TEXT
    );
    CREATE INDEX attempts_by_run ON attempts (run_id);
    """,
    """
    ALTER TABLE functions ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE runs ADD COLUMN batched INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN keys TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE runs ADD COLUMN lane TEXT;
    ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN defers TEXT NOT NULL DEFAULT '{}';
    CREATE INDEX runs_active ON runs (function_id) WHERE ended_at IS NULL;
    CREATE INDEX runs_in_lane ON runs (lane)
        WHERE lane IS NOT NULL AND started_at IS NOT NULL AND ended_at IS NULL;
    CREATE TABLE batch_events (
        run_id TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL,
        PRIMARY KEY (run_id, position)
    );
    CREATE INDEX batch_events_by_event ON batch_events (event_id);
    ALTER TABLE items ADD COLUMN condition TEXT;
    ALTER TABLE items ADD COLUMN payload TEXT;
    ALTER TABLE items ADD COLUMN function_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE items ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE items ADD COLUMN parked TEXT;
    DROP INDEX items_by_due;
    CREATE INDEX items_ready ON items (due) WHERE parked IS NULL;
    CREATE INDEX items_parked ON items (parked, due - priority) WHERE parked IS NOT NULL;
    CREATE INDEX items_of_functions ON items (function_id) WHERE function_id != '';
    CREATE TABLE gates (
        kind TEXT NOT NULL, function_id TEXT NOT NULL, key TEXT NOT NULL,
        state TEXT NOT NULL, PRIMARY KEY (kind, function_id, key)
    );
    CREATE TABLE metadata (
        run_id TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, op TEXT NOT NULL,
        content TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE INDEX metadata_by_run ON metadata (run_id);
    """,
    """
    ALTER TABLE runs ADD COLUMN response TEXT;
    """,
    """
    ALTER TABLE steps ADD COLUMN arguments TEXT;
    """,
    """
    DROP INDEX items_by_match;
    CREATE INDEX items_by_match ON items (kind, match) WHERE match IS NOT NULL;
    """,
    """
    CREATE TABLE secrets (secret BLOB NOT NULL);
    INSERT INTO secrets VALUES (randomblob(32));
    """,
    """
    CREATE INDEX items_of_timers ON items (due)
        WHERE parked IS NULL AND kind NOT IN ('call', 'fetch');
    """,
    """
    UPDATE runs SET keys = '{}' WHERE ended_at IS NULL;
    CREATE INDEX runs_unfinished ON runs (status)
        WHERE ended_at IS NOT NULL AND status != 'Completed';
    ALTER TABLE runs ADD COLUMN single TEXT;
    CREATE INDEX runs_single ON runs (function_id, single)
        WHERE single IS NOT NULL AND ended_at IS NULL;
    """,
    """
    ALTER TABLE items ADD COLUMN fields TEXT;
    ALTER TABLE items ADD COLUMN wanted TEXT;
    CREATE INDEX items_by_demand ON items (match, fields, wanted) WHERE kind = 'wait';
    CREATE TABLE collected (
        function_id TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL,
        event_id TEXT NOT NULL, PRIMARY KEY (function_id, key, place)
    );
    """,
)


class UnusableDatabaseError(Exception):
    """The file cannot be used as the engine's database. The message says why."""


_copying = threading.Lock()


def create(db: sqlite3.Connection) -> None:
    """Create the tables of an in-memory database from a copy, which is fifty times as fast."""
    with _copying:
        _template().backup(db)


@functools.cache
def _template() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    atexit.register(db.close)
    migrate(db)
    return db


def check(db: sqlite3.Connection) -> None:
    """Refuse a file of another program or a newer version, or a damaged one.

    :raises UnusableDatabaseError: the file is refused. It was not modified.
    """
    found = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not found:
        return
    columns = [row[1] for row in db.execute("PRAGMA table_info(migrations)")]
    done = _version(db) if columns == ["version"] else 0
    if not ({"apps", "items"} <= found if done else found == {"migrations"}):
        raise UnusableDatabaseError("it belongs to another program: give another --db file")
    if done > len(MIGRATIONS):
        raise UnusableDatabaseError(
            f"it has schema version {done}; this inngest-dev knows {len(MIGRATIONS)}. "
            "Upgrade inngest-dev, or give another --db file."
        )
    (state,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise UnusableDatabaseError(f"it is damaged: {' '.join(state.split())}")


def migrate(db: sqlite3.Connection) -> None:
    """Apply the missing migrations, each in its own transaction."""
    db.execute("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)")
    done = _version(db)
    for version, script in enumerate(MIGRATIONS[done:], start=done + 1):
        # executescript takes no parameters; none of this text is untrusted
        noted = f"INSERT INTO migrations (version) VALUES ({version:d})"  # noqa: S608
        db.executescript(f"BEGIN;{script};{noted};COMMIT;")


def _version(db: sqlite3.Connection) -> int:
    (done,) = db.execute("SELECT COALESCE(MAX(version), 0) FROM migrations").fetchone()
    return int(done)
