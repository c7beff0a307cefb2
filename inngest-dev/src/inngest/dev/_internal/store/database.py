"""One SQLite connection: opened, migrated, with transactions. Used from one thread.

A file is opened in WAL mode: what was committed survives the death of the process at
any moment.
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
"""What any use of the store may raise, as when the disk is full or the file is damaged."""


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
        """32 random bytes, the same for as long as there is the file."""
        (secret,) = self._db.execute("SELECT secret FROM secrets").fetchone()
        return bytes(secret)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nested blocks join the outer one."""
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
        if self._db.in_transaction:  # on a full disk SQLite has done it by itself
            self._db.execute("ROLLBACK")
        self.rolled_back()

    def rolled_back(self) -> None:
        """Called after a rollback: what was kept of the database in memory may not be true."""

    def one(self, sql: str, *args: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, args).fetchone()
        return row

    def all(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, args).fetchall()


def unusable(error: Exception) -> str:
    """The message for people. No traceback: neither the engine's code nor an app is at fault."""
    return f"the engine's database cannot be used: {error}"


def _problem(path: str) -> str | None:
    """Why a file cannot be used, where SQLite would say so late, or not clearly."""
    file = Path(path)
    if not path:
        return "its name is empty"
    if file.is_dir():
        return "it is a directory"
    if file.exists():
        return None if os.access(path, os.W_OK) else "it is read-only"
    return None if file.parent.is_dir() else f"there is no directory {file.parent}"


def _create_private(path: str) -> None:
    """Make a new file that only its owner can read; SQLite makes those beside it likewise."""
    with suppress(OSError):  # it is there already; or it cannot be made, which SQLite will say
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
