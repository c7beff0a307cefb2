"""Stored events, runs with their steps, and the history of runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from inngest.dev._internal.model.values import Event, Item, Json, Run, Step
from inngest.dev._internal.store.cancellation_index import CancellationIndex
from inngest.dev._internal.store.database import MEMORY, Database
from inngest.dev._internal.store.rows import dump, event_of, load, run_of
from inngest.dev._internal.store.run_cache import RunCache

_RUN = "SELECT r.*, e.body, e.received_at FROM runs r JOIN events e ON e.internal_id = r.event_id "
OF_EVENT = "(r.event_id = ? OR r.id IN (SELECT b.run_id FROM batch_events b WHERE b.event_id = ?))"
"""SQL: whether an event started the run `r`, alone or in a batch. Takes the event's id twice."""


class StoredRuns(Database):
    def __init__(self, path: str = MEMORY) -> None:
        super().__init__(path)
        self._cache = RunCache()
        self._cancellations = CancellationIndex()

    def rolled_back(self) -> None:
        super().rolled_back()
        self._cache.clear()
        self._cancellations.forget()

    def add_event(self, event: Event) -> bool:
        """Store an event. Returns False if one with this internal id is already stored."""
        done = self._db.execute(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)",
            (event.internal_id, event.name, event.received_at, dump(event.body)),
        )
        return done.rowcount > 0

    def event(self, internal_id: str) -> Event | None:
        row = self.one("SELECT * FROM events WHERE internal_id = ?", internal_id)
        return None if row is None else event_of(row["internal_id"], row)

    def events(self, name: str | None, limit: int) -> list[Event]:
        which, given = ("1", ()) if name is None else ("name = ?", (name,))
        rows = self.all(
            f"SELECT * FROM events WHERE {which} ORDER BY rowid DESC LIMIT ?",  # noqa: S608
            *given,
            limit,
        )
        return [event_of(row["internal_id"], row) for row in rows]

    def started_since(self, function_id: str, event_key: str, since: int) -> bool:
        """Return whether an event with this key has started the function since then."""
        row = self.one(
            "SELECT 1 FROM runs WHERE function_id = ? AND event_key = ? AND created_at > ?",
            function_id,
            event_key,
            since,
        )
        return row is not None

    def run(self, run_id: str) -> Run | None:
        known = self._cache.get(run_id)
        if known is not None:
            return known
        row = self.one(_RUN + "WHERE r.id = ?", run_id)
        if row is None:
            return None
        run = self._run(row)
        self._cache.put(run)
        return self._cache.get(run_id) or run

    def runs(
        self,
        *,
        event_id: str | None = None,
        status: str | None = None,
        function_id: str | None = None,
        limit: int = 100,
    ) -> list[Run]:
        """Return the runs without their steps, newest first, filtered by what is given."""
        which, given = ("1", ()) if event_id is None else (OF_EVENT, (event_id, event_id))
        rows = self.all(
            # No numbered placeholders: Python 3.12.0 to 3.12.3 warn about them.
            _RUN + f"WHERE {which} AND (? IS NULL OR r.status = ?) "
            "AND (? IS NULL OR r.function_id = ?) ORDER BY r.rowid DESC LIMIT ?",
            *given,
            *(status, status),
            *(function_id, function_id),
            limit,
        )
        return [run_of(row, self._events_of(row)) for row in rows]

    def active_runs(self, function_id: str) -> list[Run]:
        """Return the active runs without their steps, oldest first."""
        rows = self.all(
            _RUN + "WHERE r.function_id = ? AND r.ended_at IS NULL ORDER BY r.rowid", function_id
        )
        return [run_of(row, self._events_of(row)) for row in rows]

    def cancellable(
        self, function_id: str, condition: str, offers: Callable[[str], str]
    ) -> list[Run]:
        """Return the active runs that an event may cancel. They are the cached ones: do not modify.

        :param condition: of the cancellation. The caller must evaluate it on these runs.
        :param offers: returns the event's values of the given fields.
        """
        ids = self._cancellations.of(function_id, condition, offers, self.active_runs)
        if ids is None:
            return self.active_runs(function_id)
        return [run for run_id in ids if (run := self.look_at(run_id)) is not None]

    def singles(self, function_id: str, key: str) -> list[str]:
        rows = self.all(
            "SELECT id FROM runs WHERE function_id = ? AND single = ? AND ended_at IS NULL "
            "ORDER BY rowid",
            function_id,
            key,
        )
        return [row["id"] for row in rows]

    def running_in(self, lane: str) -> int:
        (count,) = self.all(
            "SELECT COUNT(*) FROM runs WHERE lane = ? AND started_at IS NOT NULL "
            "AND ended_at IS NULL",
            lane,
        )
        return int(count[0])

    def _events_of(self, row: sqlite3.Row) -> tuple[Event, ...]:
        if not row["batched"]:
            return (event_of(row["event_id"], row),)
        rows = self.all(
            "SELECT e.* FROM batch_events b JOIN events e ON e.internal_id = b.event_id "
            "WHERE b.run_id = ? ORDER BY b.position",
            row["id"],
        )
        return tuple(event_of(each["internal_id"], each) for each in rows)

    def _run(self, row: sqlite3.Row) -> Run:
        run = run_of(row, self._events_of(row))
        done: list[tuple[int, str]] = []
        for s in self.all("SELECT * FROM steps WHERE run_id = ? ORDER BY rowid", run.id):
            run.steps[s["id"]] = Step(
                id=s["id"],
                name=s["name"],
                op=s["op"],
                state=s["state"],
                created_at=s["created_at"],
                ended_at=s["ended_at"],
                memo=load(s["memo"]),
                arguments=load(s["arguments"]),
                dirty=False,
            )
            if s["position"] is not None:
                done.append((s["position"], s["id"]))
        run.stack = [step_id for _, step_id in sorted(done)]
        return run

    def look_at(self, run_id: str) -> Run | None:
        """Like `run`, without copying it: do not modify the result."""
        return self._cache.look(run_id) or self.run(run_id)

    def save_run(self, run: Run) -> None:
        known = self._cache.look(run.id)
        # a run saved twice in one transaction is the cached object: nothing to compare
        if known is None or known is run or _changeable(known) != _changeable(run):
            self._save_row(run)
        for s in [s for s in run.steps.values() if s.dirty]:
            position = None if s.state == "pending" else run.stack.index(s.id)
            self._db.execute(
                "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (run_id, id) DO UPDATE SET op = excluded.op, "
                "state = excluded.state, ended_at = excluded.ended_at, memo = excluded.memo, "
                "position = excluded.position, arguments = excluded.arguments WHERE steps.state = 'pending'",
                (run.id, s.id, s.name, s.op, s.state, s.created_at, s.ended_at, dump(s.memo),
                 position, None if s.arguments is None else dump(s.arguments)),
            )  # fmt: skip
            s.dirty = False
        if run.ended:
            self._db.execute("DELETE FROM items WHERE run_id = ?", (run.id,))
        self._cache.put(run)
        self._cancellations.note(run)

    def _save_row(self, run: Run) -> None:
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE "
            "SET status = excluded.status, started_at = excluded.started_at, "
            "ended_at = excluded.ended_at, output = excluded.output, "
            "version = excluded.version, plan_only = excluded.plan_only, "
            "defers = excluded.defers, response = excluded.response",
            (run.id, run.function_id, run.event.internal_id, run.event.key, run.status,
             run.created_at, run.started_at, run.ended_at, dump(run.output), run.version,
             run.plan_only, len(run.events) > 1, dump(run.keys), run.lane, run.priority,
             dump(run.defers), dump(run.response), run.single),
        )  # fmt: skip
        if len(run.events) > 1:
            members = [(run.id, n, e.internal_id) for n, e in enumerate(run.events)]
            self._db.executemany("INSERT OR IGNORE INTO batch_events VALUES (?, ?, ?)", members)

    def move_run(self, run_id: str, lane: str | None, single: str | None) -> None:
        """Update the lane and singleton key of a run."""
        self._db.execute(
            "UPDATE runs SET lane = ?, single = ? WHERE id = ?", (lane, single, run_id)
        )
        self._cache.drop(run_id)

    def add_attempt(
        self, item: Item, step_id: str, started: int, ended: int, outcome: str, body: Json
    ) -> None:
        self._db.execute(
            "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (item.run_id, item.job_id, step_id, item.attempt, started, ended, outcome,
             dump(body)),
        )  # fmt: skip

    def attempts(self, run_id: str) -> list[dict[str, Json]]:
        rows = self.all("SELECT * FROM attempts WHERE run_id = ? ORDER BY number", run_id)
        return [{**dict(row), "body": load(row["body"])} for row in rows]

    def add_metadata(
        self, run_id: str, target: Mapping[str, Json], entry: Mapping[str, Json], now: int
    ) -> None:
        self._db.execute(
            "INSERT INTO metadata VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, dump(target), entry["kind"], entry["op"], dump(entry["values"]), now),
        )

    def metadata(self, run_id: str) -> list[dict[str, Json]]:
        rows = self.all("SELECT * FROM metadata WHERE run_id = ? ORDER BY rowid", run_id)
        return [
            {"target": load(r["target"]), "kind": r["kind"], "op": r["op"],
             "values": load(r["content"])}
            for r in rows
        ]  # fmt: skip


def _changeable(run: Run) -> tuple[Json, ...]:
    """Return the columns of a run that may change after its insertion, except `move_run`'s."""
    return (run.status, run.started_at, run.ended_at, run.output, run.version, run.plan_only,
            run.defers, run.response)  # fmt: skip
