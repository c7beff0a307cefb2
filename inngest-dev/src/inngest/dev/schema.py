"""The tables of the store, and how an older file is brought up to date."""

from __future__ import annotations

import sqlite3

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
)


class UnusableDatabaseError(Exception):
    """The file is not a database of this engine, or a newer version wrote it."""


def migrate(db: sqlite3.Connection) -> None:
    """Apply the missing migrations, each in its own transaction."""
    db.execute("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)")
    (done,) = db.execute("SELECT COALESCE(MAX(version), 0) FROM migrations").fetchone()
    if done > len(MIGRATIONS):
        raise UnusableDatabaseError(
            f"the database has schema version {done}; this inngest-dev knows {len(MIGRATIONS)}. "
            "Upgrade inngest-dev, or give another --db file."
        )
    for version, script in enumerate(MIGRATIONS[done:], start=done + 1):
        # executescript takes no parameters; all of this text is ours
        noted = f"INSERT INTO migrations (version) VALUES ({version:d})"  # noqa: S608
        db.executescript(f"BEGIN;{script};{noted};COMMIT;")
