"""One SQLite connection: opened, migrated, with transactions. Used from one thread.

A file is opened in WAL mode: committed data survives a crash of the process.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from inngest.dev._internal.store.schema import UnusableDatabaseError, check, create, migrate

MEMORY = ":memory:"
StoreError = sqlite3.Error
"""Any use of the store may raise it, e.g. if the disk is full or the file damaged."""


class Database:
    def __init__(self, path: str = MEMORY) -> None:
        if path != MEMORY:
            problem = _problem(path)
            if problem is not None:
                raise UnusableDatabaseError(f"cannot use the database {path}: {problem}")
            _create_private(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise UnusableDatabaseError(f"cannot open the database {path}: {error}") from error
        self._db.row_factory = sqlite3.Row
        try:
            self._db.execute("PRAGMA busy_timeout = 2000")
            # Two engines on one file would each run every step.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            check(self._db)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            create(self._db) if path == MEMORY else migrate(self._db)
        except sqlite3.Error as error:
            self._db.close()
            hint = ": another engine uses it" if "locked" in str(error) else ""
            raise UnusableDatabaseError(f"cannot use the database {path}: {error}{hint}") from error
        except UnusableDatabaseError as error:
            self._db.close()
            raise UnusableDatabaseError(f"cannot use the database {path}: {error}") from error

    def close(self) -> None:
        self._db.close()

    @property
    def secret(self) -> bytes:
        """Return the 32 random bytes that are stored in the file."""
        (secret,) = self._db.execute("SELECT secret FROM secrets").fetchone()
        return bytes(secret)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction. Nested blocks join the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # on a full disk SQLite has already rolled back
            self._db.execute("ROLLBACK")
        self.rolled_back()

    def rolled_back(self) -> None:
        """Called after a rollback, to discard caches that may be stale."""

    def one(self, sql: str, *args: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, args).fetchone()
        return row

    def all(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, args).fetchall()


def unusable(error: Exception) -> str:
    """Return an error message without a traceback, as no code is at fault."""
    return f"the engine's database cannot be used: {error}"


def _problem(path: str) -> str | None:
    """Return why a file is unusable, where SQLite would report it late or unclearly."""
    file = Path(path)
    if not path:
        return "its name is empty"
    if file.is_dir():
        return "it is a directory"
    if file.exists():
        return None if os.access(path, os.W_OK) else "it is read-only"
    return None if file.parent.is_dir() else f"there is no directory {file.parent}"


def _create_private(path: str) -> None:
    """Create a file only its owner can read; SQLite gives its -wal and -shm files the same mode."""
    with suppress(OSError):  # it exists, or cannot be created, which SQLite will report
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
