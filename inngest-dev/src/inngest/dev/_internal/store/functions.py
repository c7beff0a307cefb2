"""Apps and their functions, in the store."""

from __future__ import annotations

from collections.abc import Iterable

from inngest.dev._internal.function.event_index import EventIndex
from inngest.dev._internal.model.values import Function, Json
from inngest.dev._internal.store.database import MEMORY, Database
from inngest.dev._internal.store.rows import dump, function_of


class StoredFunctions(Database):
    def __init__(self, path: str = MEMORY) -> None:
        super().__init__(path)
        self._functions: list[Function] | None = None
        self._by_id: dict[str, Function] = {}
        self._by_event = EventIndex(())
        self._number_of_apps = 0

    def rolled_back(self) -> None:
        super().rolled_back()
        self._functions = None

    def register(
        self,
        app: str,
        *,
        url: str,
        sdk: str,
        checksum: str,
        functions: Iterable[Function],
        now: int,
    ) -> bool:
        """Replace the functions of an app. Returns whether they have changed."""
        known = self.one("SELECT checksum FROM apps WHERE name = ?", app)
        self._db.execute(
            "INSERT OR REPLACE INTO apps VALUES (?, ?, ?, ?, ?)", (app, url, sdk, checksum, now)
        )
        self._db.execute("DELETE FROM functions WHERE app = ?", (app,))
        for function in functions:
            self._save(function)
        self._functions = None
        return known is None or known["checksum"] != checksum

    def add_function(self, function: Function, *, now: int) -> None:
        """Add a function to an app, or replace the one with its id."""
        if self.function(function.id) == function:
            return
        self._db.execute(
            "INSERT OR IGNORE INTO apps VALUES (?, ?, '', '', ?)",
            (function.app, function.url, now),
        )
        self._save(function)
        self._functions = None

    def _save(self, f: Function) -> None:
        triggers = dump([[t.event, t.expression, t.cron, t.jitter] for t in f.triggers])
        row = (f.id, f.uuid, f.app, f.name, f.url, f.max_attempts, triggers,
               dump(f.options.source))  # fmt: skip
        self._db.execute("INSERT OR REPLACE INTO functions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def apps(self) -> list[dict[str, Json]]:
        return [dict(row) for row in self.all("SELECT * FROM apps ORDER BY name")]

    def functions(self) -> list[Function]:
        if self._functions is None:
            rows = self.all("SELECT * FROM functions ORDER BY id")
            self._functions = [function_of(row) for row in rows]
            self._by_id = {f.uuid: f for f in self._functions}
            self._by_id |= {f.id: f for f in self._functions}
            self._by_event = EventIndex(self._functions)
            self._number_of_apps = len({f.app for f in self._functions})
        return self._functions

    def concerned(self, event_name: str) -> list[Function]:
        """Return the functions that events of this name may trigger, or cancel runs of."""
        self.functions()
        return self._by_event.of(event_name)

    def number_of_apps(self) -> int:
        self.functions()
        return self._number_of_apps

    def function(self, wanted: str) -> Function | None:
        """Return a function by composite id or UUID."""
        self.functions()
        return self._by_id.get(wanted)
